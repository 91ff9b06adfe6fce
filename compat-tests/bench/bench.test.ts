import { fileURLToPath } from 'node:url';
import { expect, inject, test } from 'vitest';
import { run } from '../support/process.mjs';

const BENCH = fileURLToPath(new URL('run.mjs', import.meta.url));

/** A moment of every scenario: a benchmark that nobody runs would rot. What it reads back it compares. */
test('the benchmark runs', async () => {
  const { text } = await run(process.execPath, [BENCH, '--smoke'], { timeout_ms: 120_000 });
  console.log(text);
  for (const row of ['4 KiB PUT', '4 MiB GET', 'shard retrieve', 'by delimiter', 'start to first answer'])
    expect(text).toContain(row);
});

test('the benchmark of a node before a MinIO runs', async (context) => {
  const minio = inject('installed').minio;
  if (minio === undefined || 'reason' in minio) return context.skip('MinIO is not installed');
  const args = [BENCH, '--smoke', '--only', 'upstream', '--minio', minio.path];
  const { text } = await run(process.execPath, args, { timeout_ms: 120_000 });
  console.log(text);
  for (const row of ['4 KiB PUT over MinIO', 'cached and believed', 'memory added', 'memory, 1 x'])
    expect(text).toContain(row);
});
