import type { Reporter } from 'vitest/node';

/** Ends the run with one line that a script can read: `N passed, N failed`. */
export const countReporter: Reporter = {
  onTestRunEnd(modules, errors): void {
    let passed = 0;
    let failed = errors.length;
    let skipped = 0;
    const notes = new Map<string, number>();
    for (const module of modules) {
      failed += module.errors().length;
      for (const suite of module.children.allSuites()) failed += suite.errors().length;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === 'passed') passed += 1;
        else if (state === 'failed') failed += 1;
        else skipped += 1;
        const { note } = test.result() as { note?: string };
        if (note !== undefined) notes.set(note, (notes.get(note) ?? 0) + 1);
      }
    }
    const reasons = [...notes].map(([reason, count]) => `skipped ${count}: ${reason}\n`).join('');
    const before = skipped > 0 ? `${reasons}${skipped} skipped\n` : '';
    // After the default reporter's own summary.
    process.once('exit', () => process.stdout.write(`${before}${passed} passed, ${failed} failed\n`));
  },
};
