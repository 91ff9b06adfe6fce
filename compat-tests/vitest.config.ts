import { defineConfig } from 'vitest/config';
import { countReporter } from './support/count-reporter.js';

/** `npm run compat`: real clients against a started node. One file at a time: they measure, and they load. */
export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    include: ['compat-tests/**/*.test.ts'],
    // These need nothing but Node and belong to `npm test`.
    exclude: ['compat-tests/crash/**'],
    globalSetup: ['compat-tests/support/global-setup.ts'],
    reporters: ['default', countReporter],
    fileParallelism: false,
    pool: 'forks',
    testTimeout: 180_000,
    hookTimeout: 120_000,
  },
});
