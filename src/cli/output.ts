/** What commands say: results on standard output, everything else on standard error. */
import type { ExitCode } from './exit-codes.js';

/** Ends a command with a message for a person and an exit code; never shown with a stack. */
export class CliError extends Error {
  readonly exit_code: ExitCode;
  /** Further lines: what is wrong in detail, or what to do. */
  readonly lines: readonly string[];

  constructor(exit_code: ExitCode, message: string, lines: readonly string[] = []) {
    super(message);
    this.name = 'CliError';
    this.exit_code = exit_code;
    this.lines = lines;
  }
}

export interface JsonOption {
  readonly json?: boolean;
}

export function printLine(text: string): void {
  process.stdout.write(`${text}\n`);
}

export function printJson(value: unknown): void {
  printLine(JSON.stringify(value));
}

/** Errors of a command with --json are one JSON line on standard error. */
export function printError(error: CliError, json: boolean): void {
  const text = json
    ? JSON.stringify({
        event: 'error',
        exit_code: error.exit_code,
        message: error.message,
        details: error.lines,
      })
    : [`backup-node: ${error.message}`, ...error.lines.map((line) => `  ${line}`)].join('\n');
  process.stderr.write(`${text}\n`);
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

export function formatBytes(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** power;
  return `${power === 0 ? value : value.toFixed(1)} ${UNITS[power]}`;
}

export function formatDuration(seconds: number): string {
  const parts = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'm'],
    [Math.floor(seconds) % 60, 's'],
  ] as const;
  const first = parts.findIndex(([amount]) => amount > 0);
  return parts
    .slice(first < 0 ? 3 : first, first < 0 ? 4 : first + 2)
    .map(([amount, unit]) => `${amount} ${unit}`)
    .join(' ');
}

export function formatTable(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
