import type { Adapter } from '../contract/index.js';
import { type Bandwidth, limitBandwidth } from './bandwidth.js';
import { cacheReads, type ReadCacheOptions } from './cache/read-cache.js';
import { closeAfterCalls } from './closing.js';
import { type CompressionOptions, compress } from './compression/compress.js';
import { type ConcurrencyOptions, limitConcurrency } from './concurrency.js';
import { type EncryptionOptions, encrypt } from './encryption/encrypt.js';
import { openKeyring } from './encryption/keys.js';
import { type CallObserver, measure } from './metrics.js';
import type { Sealing } from './recoded/codec.js';
import { type RetryOptions, retry } from './retry.js';

/** What stands around an adapter; what is left out is not there. */
export interface DecoratorOptions {
  readonly observer?: CallObserver;
  readonly cache?: ReadCacheOptions;
  readonly concurrency?: ConcurrencyOptions;
  readonly compression?: CompressionOptions;
  readonly encryption?: EncryptionOptions;
  readonly retry?: RetryOptions;
  /** Of this adapter alone, or shared with others. */
  readonly bandwidth?: Bandwidth;
}

type Decorator = (inner: Adapter) => Adapter | Promise<Adapter>;

/**
 * The one place where decorators are stacked, the innermost first:
 * - bandwidth: what is sent again counts again. An adapter over a network is given it at its opening and has it inside;
 * - retry;
 * - encryption: all above it is plaintext;
 * - compression: what is encrypted does not shrink any more;
 * - concurrency: around retry, so that fewer calls reach an upstream in trouble, and around encryption and compression, one
 *   call of which may be several below that need each other;
 * - cache: what it has needs no turn;
 * - metrics: what the node asked for and what it got.
 */
export async function decorated(adapter: Adapter, options: DecoratorOptions): Promise<Adapter> {
  let stacked = adapter;
  for (const decorate of decorators(options)) stacked = await decorate(stacked);
  return stacked === adapter ? adapter : closeAfterCalls(stacked);
}

function* decorators(options: DecoratorOptions): Generator<Decorator> {
  const { bandwidth, retry: repeats, encryption, compression, concurrency, cache, observer } = options;
  if (bandwidth !== undefined) yield (inner) => limitBandwidth(inner, bandwidth);
  if (repeats !== undefined) yield (inner) => retry(inner, repeats);
  if (encryption !== undefined) yield (inner) => encrypt(inner, encryption);
  if (compression !== undefined)
    yield (inner) => compress(inner, compression, encryption && sealingOf(encryption));
  if (concurrency !== undefined) yield (inner) => limitConcurrency(inner, concurrency);
  if (cache !== undefined) yield (inner) => cacheReads(inner, cache);
  if (observer !== undefined) yield (inner) => measure(inner, observer);
}

/** Digests of plaintexts are as secret as these. */
function sealingOf(encryption: EncryptionOptions): Sealing {
  const keys = openKeyring(encryption);
  return { seal: keys.sealBytes, open: keys.openBytes };
}
