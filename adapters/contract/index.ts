export type * from './adapter.js';
export type * from './buckets.js';
export type * from './capabilities.js';
export type * from './changes.js';
export * from './errors.js';
export type * from './multipart.js';
export type * from './objects.js';
export type * from './versions.js';
