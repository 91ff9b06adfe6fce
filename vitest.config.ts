import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['{src,adapters,config}/**/*.test.ts', 'compat-tests/crash/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    pool: 'forks',
    // Vitest leaves one core to others: of two, half would idle while a test waits for the disk or for a process.
    maxWorkers: Math.max(2, availableParallelism() - 1),
  },
});
