import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['{src,adapters,config}/**/*.test.ts', 'compat-tests/crash/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    pool: 'forks',
  },
});
