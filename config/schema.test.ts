import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { configJsonSchema, configSchema } from './schema.js';

const read = (name: string): unknown => JSON.parse(readFileSync(new URL(name, import.meta.url), 'utf8'));

describe('the files beside the schema', () => {
  it('schema.json is what `backup-node config schema` prints', () => {
    expect(read('schema.json')).toEqual(configJsonSchema());
  });

  it('default.json has every default, and is a configuration that says nothing else', () => {
    const { $schema, ...defaults } = configSchema.parse(read('default.json'));
    expect($schema).toBe('./schema.json');
    expect(defaults).toEqual(configSchema.parse({}));
  });

  it('marks what is never shown', () => {
    const text = JSON.stringify(configJsonSchema());
    expect(text.match(/"writeOnly":true/g)?.length).toBeGreaterThanOrEqual(5);
  });
});
