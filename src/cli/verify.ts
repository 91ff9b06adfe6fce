import type { VerifyEvent } from '../control/verify.js';
import { verifyOffline } from '../offline.js';
import { findRunningNode } from './control-client.js';
import { EXIT } from './exit-codes.js';
import { CliError, formatBytes, type JsonOption, printJson, printLine } from './output.js';
import { loadSettings, type SettingsOptions } from './settings.js';

export interface VerifyOptions extends SettingsOptions, JsonOption {
  readonly bucket?: string;
}

type Line = VerifyEvent | { readonly event: 'error'; readonly message: string };

const BAR_WIDTH = 30;

function progressBar(event: Extract<VerifyEvent, { event: 'progress' }>): string {
  const share = event.total_bytes === 0 ? 1 : Math.min(1, event.bytes / event.total_bytes);
  const filled = Math.round(share * BAR_WIDTH);
  const bar = '█'.repeat(filled) + '░'.repeat(BAR_WIDTH - filled);
  return `${bar} ${(share * 100).toFixed(0).padStart(3)} %  ${event.objects} objects, ${formatBytes(event.bytes)}, ${event.corrupt} corrupt`;
}

/** Only a terminal gets a bar: elsewhere each event is a JSON line. */
function show(line: Line, as_json: boolean): void {
  if (as_json) {
    printJson(line);
    return;
  }
  const clear = process.stderr.isTTY ? '\r\u001B[K' : '';
  if (line.event === 'progress') process.stderr.write(clear + progressBar(line));
  if (line.event === 'corrupt') {
    process.stderr.write(clear);
    printLine(`corrupt: ${line.bucket}/${line.key} (version ${line.version_id})`);
  }
  if (line.event === 'done') {
    process.stderr.write(clear);
    printLine(
      `${line.objects} objects, ${formatBytes(line.bytes)} verified: ${line.corrupt === 0 ? 'all intact' : `${line.corrupt} corrupt`}`,
    );
  }
}

async function follow(lines: AsyncIterable<Line>, as_json: boolean): Promise<void> {
  let corrupt: number | undefined;
  for await (const line of lines) {
    if (line.event === 'error') throw new CliError(EXIT.failed, line.message);
    show(line, as_json);
    if (line.event === 'done') corrupt = line.corrupt;
  }
  if (corrupt === undefined) throw new CliError(EXIT.failed, 'verification ended before it was done');
  if (corrupt > 0)
    throw new CliError(EXIT.corrupt, `${corrupt} corrupt ${corrupt === 1 ? 'object' : 'objects'} found`);
}

/** Reads everything, through the running node or on the storage itself, and exits with 6 when something is corrupt. */
export async function runVerify(options: VerifyOptions): Promise<void> {
  const { config } = loadSettings(options);
  const as_json = options.json === true || !process.stdout.isTTY;
  const request = { bucket: options.bucket };
  const node = findRunningNode(config.storage_path);
  if (node !== undefined) {
    return follow(node.stream('POST', '/api/v1/control/verify', request) as AsyncGenerator<Line>, as_json);
  }
  await verifyOffline(config, process.env, request, (events) => follow(events, as_json));
}
