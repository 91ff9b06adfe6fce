/** The command line. Each command's code is loaded when it is asked for. */
import { Command, CommanderError, Option } from 'commander';
import { RESERVED_ENV } from '../../config/env.js';
import { NODE_ENGINES, VERSION } from '../version.js';
import { EXIT, type ExitCode } from './exit-codes.js';
import { nodeVersionProblem } from './node-version.js';
import { CliError, printError } from './output.js';

const EXIT_CODE_HELP = `
Exit codes:
  0  done
  1  failed; the log has more
  2  the command line or the configuration is wrong
  3  no node is running
  4  another process holds the storage folder
  5  a port or an address cannot be listened on
  6  verify found corrupt objects
  7  what was asked for is not there or not allowed
  8  the storage failed while the node was running
  9  adapters probe saw less than is declared`;

function withSettings(command: Command): Command {
  return command
    .option('--config <file>', 'configuration file (default: backup_node/config.json, where it exists)')
    .option('--storage-path <dir>', 'storage folder')
    .option('--json', 'machine-readable output');
}

function addStart(program: Command): void {
  withSettings(program.command('start').description('run a node'))
    .option('--port <n>', 'port of the shard API; 0 takes a free one')
    .option('--s3-port <n>', 'port of the S3 endpoint (default: port + 1000)')
    .option('--host <addr>', 'address that both listen on')
    .option('--node-id <id>', 'id of this node (default: generated once, then kept)')
    .option('--max-storage <gb>', 'how much may be stored, in GiB')
    .option('--main-address <host>', 'address of the main node')
    .option('--main-port <n>', 'port of the main node')
    .option('--bandwidth-limit <mbps>', 'limit of transfers between nodes')
    .option('--dev-mode', 'log everything, readable on standard error')
    .option('--force-config', 'write the settings of this start into the configuration file, replacing it')
    .option('--detach', 'run in the background; returns when the node answers')
    .action(async (options) => (await import('./start.js')).runStart(options));
}

function addKeys(program: Command): void {
  const keys = program.command('keys').description('access keys of S3 users and tokens of shard clients');
  withSettings(keys.command('list').description('show all keys, without their secrets')).action(
    async (options) => (await import('./keys.js')).runKeysList(options),
  );
  withSettings(keys.command('create').description('make a key; its secret is shown once'))
    .addOption(
      new Option('--user <name>', 'S3 user that the key is for, made when there is none (default: root)'),
    )
    .addOption(
      new Option('--shard-token [name]', 'a bearer token for the shard API instead').conflicts('user'),
    )
    .action(async (options) => (await import('./keys.js')).runKeysCreate(options));
  withSettings(keys.command('revoke <id>').description('take a key away, at once')).action(
    async (id, options) => (await import('./keys.js')).runKeysRevoke(id, options),
  );
}

function addConfig(program: Command): void {
  const config = program.command('config').description('the configuration');
  withSettings(config.command('show').description('the effective configuration, secrets hidden')).action(
    async (options) => (await import('./config.js')).runConfigShow(options),
  );
  withSettings(
    config
      .command('check [bucket...]')
      .description('which bucket lands where and why, and what a start would refuse or warn of'),
  )
    .option('--online', 'ask the upstreams whether they answer and whether the buckets exist')
    .action(async (buckets, options) => (await import('./config-check.js')).runConfigCheck(buckets, options));
  config
    .command('schema')
    .description('JSON Schema of the configuration file')
    .option('--json', 'on one line')
    .action(async (options) => (await import('./config.js')).runConfigSchema(options));
}

function addAdapters(program: Command): void {
  const adapters = program.command('adapters').description('the storage that the configuration names');
  withSettings(adapters.command('list').description('show all adapters')).action(async (options) =>
    (await import('./adapters.js')).runAdaptersList(options),
  );
  withSettings(
    adapters
      .command('probe <name>')
      .description('compare what is declared of an upstream with what it does, in scratch buckets'),
  )
    .option('--bucket-prefix <name>', 'how the scratch buckets are called', 'backup-node-probe')
    .action(async (name, options) => (await import('./adapters.js')).runAdaptersProbe(name, options));
}

function buildProgram(): Command {
  const program = new Command('backup-node')
    .description('S3-compatible object store and PlexiChat shard backup node')
    .version(VERSION, '--version')
    .addHelpText('after', EXIT_CODE_HELP)
    .showSuggestionAfterError()
    .exitOverride();
  addStart(program);
  withSettings(program.command('status').description('show how the node on this machine is doing')).action(
    async (options) => (await import('./status.js')).runStatus(options),
  );
  withSettings(program.command('stop').description('drain and end the node on this machine')).action(
    async (options) => (await import('./stop.js')).runStop(options),
  );
  withSettings(program.command('verify').description('read everything and compare it with its digests'))
    .option('--bucket <name>', 'only this bucket')
    .action(async (options) => (await import('./verify.js')).runVerify(options));
  addKeys(program);
  addConfig(program);
  addAdapters(program);
  for (const command of [program, ...program.commands, ...program.commands.flatMap((one) => one.commands)]) {
    command.exitOverride();
  }
  return program;
}

function toExitCode(error: unknown, json: boolean): ExitCode {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (error instanceof CliError) {
    printError(error, json);
    return error.exit_code;
  }
  const message = error instanceof Error ? error.message : String(error);
  printError(new CliError(EXIT.failed, message), json);
  if (process.env[RESERVED_ENV.debug] && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  return EXIT.failed;
}

/** Resolves with the exit code when the command is done; for `start`, when the node has ended. */
export async function runCli(argv: readonly string[]): Promise<ExitCode> {
  try {
    const problem = nodeVersionProblem(NODE_ENGINES, process.version);
    if (problem !== undefined) throw new CliError(EXIT.failed, problem);
    await buildProgram().parseAsync([...argv]);
    return EXIT.ok;
  } catch (error) {
    return toExitCode(error, argv.includes('--json'));
  }
}
