import { readFile } from 'node:fs/promises';

const SAMPLE_INTERVAL_MS = 100;
const KIB = 1024;

/**
 * Resident memory of a process, bytes. `anonymous_bytes` leaves out pages of mapped files, which the kernel
 * may drop at any time; `all_bytes` is what `ps` shows.
 * @param {number} pid
 */
export async function residentMemory(pid) {
  const text = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const field = (/** @type {string} */ name) =>
    Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0) * KIB;
  return { all_bytes: field('VmRSS'), anonymous_bytes: field('RssAnon') };
}

/**
 * Watches a process until stopped, which gives the peaks.
 * @param {number} pid
 */
export function watchMemory(pid) {
  const peak = { all_bytes: 0, anonymous_bytes: 0 };
  const sample = async () => {
    const now = await residentMemory(pid);
    peak.all_bytes = Math.max(peak.all_bytes, now.all_bytes);
    peak.anonymous_bytes = Math.max(peak.anonymous_bytes, now.anonymous_bytes);
  };
  const timer = setInterval(sample, SAMPLE_INTERVAL_MS);
  return async () => {
    clearInterval(timer);
    await sample();
    return peak;
  };
}
