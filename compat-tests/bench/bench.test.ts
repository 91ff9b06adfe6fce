import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { run } from '../support/process.mjs';

const BENCH = fileURLToPath(new URL('run.mjs', import.meta.url));

/** A moment of every scenario: a benchmark that nobody runs would rot. What it reads back it compares. */
test('the benchmark runs', async () => {
  const { text } = await run(process.execPath, [BENCH, '--smoke'], { timeout_ms: 120_000 });
  console.log(text);
  for (const row of ['4 KiB PUT', '4 MiB GET', 'shard retrieve', 'by delimiter', 'start to first answer'])
    expect(text).toContain(row);
});
