import { spawn } from 'node:child_process';

/**
 * @typedef {object} RunOptions
 * @property {NodeJS.ProcessEnv} [env] replaces the whole environment
 * @property {string} [cwd]
 * @property {Buffer | string} [input] written to standard input; without it standard input is closed
 * @property {number} [timeout_ms]
 * @property {boolean} [inherit] show the program's output instead of collecting it
 * @property {readonly number[]} [accept] exit codes that are not a failure (default: 0)
 *
 * @typedef {object} RunResult
 * @property {number} code
 * @property {Buffer} out
 * @property {string} text standard output as text
 * @property {string} error standard error as text
 */

export class CommandFailed extends Error {
  /**
   * @param {string} command_line
   * @param {RunResult} result
   */
  constructor(command_line, result) {
    super(
      `${command_line}\nexit code ${result.code}\n${result.error.slice(-4_000)}${result.text.slice(-4_000)}`,
    );
    this.name = 'CommandFailed';
    this.result = result;
  }
}

/**
 * Runs a program to its end. Rejects with CommandFailed on an exit code that is not accepted.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {RunOptions} [options]
 * @returns {Promise<RunResult>}
 */
export function run(command, args, options = {}) {
  const { input, inherit = false, timeout_ms = 120_000, accept = [0] } = options;
  return new Promise((resolve, reject) => {
    const output = inherit ? 'inherit' : 'pipe';
    const child = spawn(command, [...args], {
      cwd: options.cwd,
      env: options.env ?? process.env,
      stdio: [input === undefined ? 'ignore' : 'pipe', output, output],
    });
    /** @type {Buffer[]} */
    const out = [];
    /** @type {Buffer[]} */
    const error = [];
    child.stdout?.on('data', (chunk) => out.push(chunk));
    child.stderr?.on('data', (chunk) => error.push(chunk));
    // A program that refuses its arguments closes the pipe early; its exit code tells the story.
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
    const timer = setTimeout(() => {
      error.push(Buffer.from(`\nstill running after ${timeout_ms} ms, killed\n`));
      child.kill('SIGKILL');
    }, timeout_ms);
    child.once('error', (cause) => {
      clearTimeout(timer);
      reject(cause);
    });
    child.once('close', (code) => {
      clearTimeout(timer);
      const bytes = Buffer.concat(out);
      const result = {
        code: code ?? -1,
        out: bytes,
        text: bytes.toString(),
        error: Buffer.concat(error).toString(),
      };
      if (accept.includes(result.code)) resolve(result);
      else reject(new CommandFailed([command, ...args].join(' '), result));
    });
  });
}
