/** `backup-node adapters`: what storage the configuration names, and what an upstream really does. */
import { isStoreError, type StoreError } from '../../adapters/contract/index.js';
import type { ProbeLine, ProbeReport } from '../../adapters/s3/probe/compare.js';
import { s3Options } from '../../adapters/s3/settings.js';
import { effectiveAdapters, providerOf } from '../../config/effective.js';
import { ConfigError } from '../../config/load.js';
import type { AdapterConfig } from '../../config/schema.js';
import { locationOf } from '../mount-report.js';
import { EXIT } from './exit-codes.js';
import { CliError, formatTable, type JsonOption, printJson, printLine } from './output.js';
import { loadSettings, type SettingsOptions } from './settings.js';

type Options = SettingsOptions & JsonOption;

export interface ProbeOptions extends Options {
  readonly bucketPrefix: string;
}

/** Bucket names have 63 characters at most; a random part and a purpose follow. */
const PREFIX = /^[a-z0-9][a-z0-9-]{0,39}$/;

/** All adapters of the configuration; nothing is opened or asked. */
export function runAdaptersList(options: Options): void {
  const adapters = Object.entries(effectiveAdapters(loadSettings(options).config)).map(
    ([name, settings]) => ({
      name,
      type: settings.type,
      provider: settings.type === 'local' ? null : providerOf(settings),
      location: locationOf(settings),
    }),
  );
  if (options.json) {
    printJson({ adapters });
    return;
  }
  const rows = adapters.map(({ name, type, provider, location }) => [name, type, provider ?? '', location]);
  printLine(formatTable([['NAME', 'TYPE', 'PROVIDER', 'WHERE'], ...rows]));
}

/**
 * Compares what is declared of an upstream with what it does, on the endpoint itself: a running node is neither needed
 * nor in the way. Exits with 9 when less was seen than is declared.
 */
export async function runAdaptersProbe(name: string, options: ProbeOptions): Promise<void> {
  const { config } = loadSettings(options);
  const settings = new Map(Object.entries(effectiveAdapters(config))).get(name);
  if (settings === undefined)
    throw new CliError(EXIT.refused, `there is no adapter ${name} in the configuration`);
  if (settings.type === 'local')
    throw new CliError(EXIT.refused, `${name} is a folder: there is nothing to probe`);
  if (!PREFIX.test(options.bucketPrefix)) {
    throw new CliError(EXIT.usage, '--bucket-prefix: lower-case letters, digits and `-`, at most 40');
  }
  const report = await probe(name, settings, options);
  show(name, report, options.json === true);
  const broken = report.lines.filter(({ verdict }) => verdict === 'broken').length;
  if (broken > 0) throw new CliError(EXIT.differs, `${broken} declared of ${name} and not so`);
  if (report.buckets_left.length > 0) throw new CliError(EXIT.failed, leftOver(report.buckets_left));
}

async function probe(
  name: string,
  settings: Exclude<AdapterConfig, { type: 'local' }>,
  { bucketPrefix, json }: ProbeOptions,
): Promise<ProbeReport> {
  const interruption = new AbortController();
  const interrupt = () => interruption.abort(new Error('interrupted'));
  // Once: whoever asks again does not want to wait for the clean-up.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, interrupt);
  const { probeUpstream } = await import('../../adapters/s3/probe/probe.js');
  const quiet = json === true || !process.stderr.isTTY;
  try {
    return await probeUpstream(s3Options(name, settings, process.env), {
      bucket_prefix: bucketPrefix,
      signal: interruption.signal,
      progress: (group) => quiet || process.stderr.write(`\r\u001B[Kprobing ${group}`),
    });
  } catch (error) {
    throw asCliError(name, error, interruption.signal.aborted);
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.removeListener(signal, interrupt);
    if (!quiet) process.stderr.write('\r\u001B[K');
  }
}

function asCliError(name: string, error: unknown, interrupted: boolean): unknown {
  if (error instanceof ConfigError) {
    return new CliError(EXIT.usage, 'the configuration cannot be used', error.problems);
  }
  const left = isStoreError(error) ? bucketsLeft(error) : [];
  const lines = left.length > 0 ? [leftOver(left)] : [];
  if (interrupted) return new CliError(EXIT.failed, `the probe of ${name} was interrupted`, lines);
  if (!isStoreError(error)) return error;
  return new CliError(EXIT.failed, `${name} cannot be probed: ${error.message}`, lines);
}

function bucketsLeft({ detail }: StoreError): readonly string[] {
  return Array.isArray(detail.buckets_left) ? detail.buckets_left.map(String) : [];
}

const leftOver = (buckets: readonly string[]): string =>
  `remove these buckets by hand: ${buckets.join(', ')}`;

const VERDICTS: Readonly<Record<ProbeLine['verdict'], string>> = {
  ok: 'ok',
  broken: 'BROKEN',
  unused: 'not used',
  unseen: 'not seen',
  untried: 'not tried',
};

function show(name: string, report: ProbeReport, as_json: boolean): void {
  if (as_json) {
    printJson({ adapter: name, ...report });
    return;
  }
  const rows = report.lines.map((line) => [
    line.name,
    shown(line.declared),
    shown(line.observed),
    VERDICTS[line.verdict],
    line.note ?? '',
  ]);
  printLine(formatTable([['PROMISE', 'DECLARED', 'OBSERVED', 'VERDICT', 'WHY'], ...rows]));
  for (const suggestion of report.suggestions) printLine(`\n${suggestion}`);
}

function shown(value: ProbeLine['declared']): string {
  if (value === undefined) return '-';
  return typeof value === 'boolean' ? (value ? 'yes' : 'no') : String(value);
}
