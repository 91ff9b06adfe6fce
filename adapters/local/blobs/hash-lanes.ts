import { Worker } from 'node:worker_threads';
import { StoreError } from '../../contract/index.js';
import type { Block } from './block-pool.js';

/** What a worker is asked. It answers `update` and `digest`, for each stream in the order asked. */
export type LaneRequest =
  | { readonly op: 'block'; readonly block: number; readonly bytes: Uint8Array }
  | { readonly op: 'open'; readonly stream: number; readonly algorithms: readonly string[] }
  | { readonly op: 'update'; readonly stream: number; readonly block: number; readonly length: number }
  | { readonly op: 'digest' | 'drop'; readonly stream: number };

export interface LaneReply {
  readonly stream: number;
  readonly digests?: readonly Uint8Array[];
}

/** A running computation of one or more digests over the same bytes, on one worker. */
interface HashStream {
  /** Hashes the first `length` bytes of a shared block, which must stay untouched until it resolves. */
  update(block: Block, length: number): Promise<void>;
  /** One digest for each algorithm; ends the stream. */
  digest(): Promise<readonly Buffer[]>;
  /** Ends the stream without a result. Updates under way still resolve. */
  drop(): void;
}

/** Worker threads that hash. They start when first needed and are stopped by `stop` when they have nothing to do. */
export interface HashLanes {
  /** `MD5` or a checksum algorithm. Streams that are opened one after the other land on different workers. */
  open(algorithms: readonly string[]): HashStream;
  /** Streams that are open. */
  readonly streams: number;
  /** Whether workers run. */
  readonly ready: boolean;
  /** Starts two of them for streams to come; resolves when they run. */
  start(): Promise<void>;
  /** Only to be called when no stream is open. */
  stop(): Promise<void>;
}

interface Pending {
  resolve(reply: LaneReply): void;
  reject(error: Error): void;
}

/** The worker's side of a stream, as the lane sees it. */
interface LaneStream {
  deliver(reply: LaneReply): void;
  fail(error: Error): void;
}

interface Lane {
  readonly worker: Worker;
  readonly streams: Map<number, LaneStream>;
  readonly known_blocks: Set<number>;
  /** Resolves when it runs, or never will. */
  readonly online: Promise<void>;
  running: boolean;
  failure: Error | null;
}

const LANES_OF_ONE_UPLOAD = 2;

export function createHashLanes(lanes_max: number): HashLanes {
  const lanes = new Set<Lane>();
  let nextStream = 0;
  let streams = 0;

  function addLane(): Lane {
    const lane = startLane(() => lanes.delete(lane));
    lanes.add(lane);
    return lane;
  }

  function leastBusyLane(): Lane {
    const best = [...lanes].sort((a, b) => a.streams.size - b.streams.size)[0];
    if (best !== undefined && (best.streams.size === 0 || lanes.size >= lanes_max)) return best;
    return addLane();
  }

  return {
    open(algorithms) {
      nextStream += 1;
      streams += 1;
      return openStream(leastBusyLane(), nextStream, algorithms, () => {
        streams -= 1;
      });
    },
    get streams() {
      return streams;
    },
    get ready() {
      return lanes.size > 0 && [...lanes].every(({ running }) => running);
    },
    async start() {
      while (lanes.size < Math.min(LANES_OF_ONE_UPLOAD, lanes_max)) addLane();
      await Promise.all([...lanes].map(({ online }) => online));
    },
    async stop() {
      const stopped = [...lanes];
      lanes.clear();
      await Promise.all(stopped.map((lane) => lane.worker.terminate()));
    },
  };
}

function startLane(ended: () => void): Lane {
  // Small heaps: the worker's data lies in shared memory and in native hash states.
  const worker = new Worker(new URL('./hash-worker.js', import.meta.url), {
    name: 'hash',
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 4 },
  });
  const online = new Promise<void>((resolve) => worker.once('online', resolve).once('exit', () => resolve()));
  const lane: Lane = {
    worker,
    streams: new Map(),
    known_blocks: new Set(),
    online,
    running: false,
    failure: null,
  };
  worker.once('online', () => {
    lane.running = true;
  });
  const fail = (cause: unknown) => {
    if (lane.failure !== null) return;
    lane.failure = new StoreError('unexpected', 'a hash worker failed', { subject: 'adapter', cause });
    ended();
    for (const stream of lane.streams.values()) stream.fail(lane.failure);
  };
  worker.on('message', (reply: LaneReply) => lane.streams.get(reply.stream)?.deliver(reply));
  worker.on('error', fail);
  worker.on('exit', (code) => fail(new Error(`exit code ${code}`)));
  // An idle worker must not keep the process alive; a busy one must (openStream).
  worker.unref();
  return lane;
}

function openStream(
  lane: Lane,
  stream: number,
  algorithms: readonly string[],
  ended: () => void,
): HashStream {
  const pending: Pending[] = [];
  let dropped = false;

  const end = () => {
    if (!lane.streams.delete(stream)) return;
    if (lane.streams.size === 0) lane.worker.unref();
    ended();
  };
  const send = (request: LaneRequest) => lane.worker.postMessage(request);
  const ask = (request: LaneRequest): Promise<LaneReply> => {
    if (lane.failure !== null) return Promise.reject(lane.failure);
    return new Promise((resolve, reject) => {
      pending.push({ resolve, reject });
      send(request);
    });
  };

  lane.worker.ref();
  lane.streams.set(stream, {
    deliver(reply) {
      pending.shift()?.resolve(reply);
      if (dropped && pending.length === 0) end();
    },
    fail(error) {
      for (const { reject } of pending.splice(0)) reject(error);
      if (dropped) end();
    },
  });
  send({ op: 'open', stream, algorithms });

  return {
    async update(block, length) {
      if (!lane.known_blocks.has(block.index)) {
        lane.known_blocks.add(block.index);
        send({ op: 'block', block: block.index, bytes: block.bytes });
      }
      await ask({ op: 'update', stream, block: block.index, length });
    },
    async digest() {
      const { digests = [] } = await ask({ op: 'digest', stream }).finally(end);
      return digests.map((digest) => Buffer.from(digest.buffer, digest.byteOffset, digest.byteLength));
    },
    drop() {
      if (dropped) return;
      dropped = true;
      send({ op: 'drop', stream });
      if (pending.length === 0) end();
    },
  };
}
