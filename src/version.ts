import manifest from '../package.json' with { type: 'json' };

export const VERSION: string = manifest.version;
/** The versions of Node that this one runs on, as npm has them: `>=20.19`. */
export const NODE_ENGINES: string = manifest.engines.node;
