#!/usr/bin/env node
import { runCli } from './cli/program.js';

// The AWS SDK warns on Node 20, which this program supports, that its later releases will not run there: nothing that
// whoever runs this can act on. The switch is the SDK's own; a setting of the user's stands.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';

process.exitCode = await runCli(process.argv);
