import { describe, expect, it } from 'vitest';
import { NODE_ENGINES } from '../version.js';
import { nodeVersionProblem } from './node-version.js';

describe('nodeVersionProblem', () => {
  it.each(['v20.19.0', 'v20.20.2', 'v21.0.0', 'v22.3.0', 'v100.0.0'])('has nothing against %s', (found) => {
    expect(nodeVersionProblem('>=20.19', found)).toBeUndefined();
  });

  it.each(['v18.20.8', 'v20.18.3', 'v9.99.0'])('tells who has %s what is needed', (found) => {
    expect(nodeVersionProblem('>=20.19', found)).toBe(`Node.js 20.19 or newer is needed; this is ${found}`);
  });

  it('reads what package.json says', () => {
    expect(nodeVersionProblem(NODE_ENGINES, 'v0.0.0')).toMatch(/^Node\.js \d+\.\d+ or newer/);
    expect(nodeVersionProblem(NODE_ENGINES, process.version)).toBeUndefined();
  });
});
