import { fileURLToPath } from 'node:url';

/** The checkout: compat-tests/ lies directly below it. */
export const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url));

/** Where the project's own installer puts the client programs. Ignored by git. */
export const TOOLS = fileURLToPath(new URL('../../.compat/', import.meta.url));
