import { readdir, rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describeUpstream } from '../support/describe-upstream.js';
import { type Fault, startFaultProxy } from '../support/fault-proxy.mjs';
import { startMinio } from '../support/minio.mjs';
import { startNode } from '../support/node.mjs';
import { createPresigner } from '../support/presign.mjs';
import { temporaryFolder } from '../support/temp.mjs';
import type { Upstream } from '../support/upstream.mjs';
import {
  type Answer,
  BUCKET,
  type Call,
  isSuccess,
  mustSucceed,
  OPERATIONS,
  RECORDS_BUCKET,
  SMALL,
} from './operations.mjs';

/**
 * Between a node and a MinIO something goes wrong. Whatever it is: the client gets a correct error or a correct success,
 * what was acknowledged is there, nothing half written shows, and the node goes on.
 */

const ANSWER_TIMEOUT_MS = 2_000;
const TIMEOUTS = { answer_timeout_ms: ANSWER_TIMEOUT_MS, slow_answer_timeout_ms: ANSWER_TIMEOUT_MS };
/** How long connections are refused: a real outage takes time that only a whole run has. */
const REFUSED_MS = (process.env.CI === 'true' ? 30 : 2) * 1_000;

const FAULTS: readonly { readonly name: string; readonly fault: Fault }[] = [
  { name: '500', fault: { type: 'status', status: 500, code: 'InternalError' } },
  {
    name: '500, but carried out',
    fault: { type: 'status', status: 500, code: 'InternalError', carried_out: true },
  },
  {
    name: '503 with Retry-After',
    fault: { type: 'status', status: 503, code: 'SlowDown', retry_after_seconds: 1 },
  },
  { name: 'a reset in the request', fault: { type: 'reset-request', after_bytes: 1_000 } },
  { name: 'a reset in the answer', fault: { type: 'reset-answer', after_bytes: 1_000 } },
  { name: 'a reset late in the answer', fault: { type: 'reset-answer', after_bytes: 2_000_000 } },
  { name: 'a truncated answer', fault: { type: 'truncated-answer', after_bytes: 1_000 } },
  { name: 'an answer that comes too late', fault: { type: 'slow-answer', delay_ms: ANSWER_TIMEOUT_MS * 2 } },
  { name: 'a wrong ETag', fault: { type: 'wrong-etag' } },
  { name: 'an error inside a 200', fault: { type: 'error-in-200', code: 'InternalError' } },
];

interface Setup {
  readonly name: string;
  readonly decorators: Record<string, unknown>;
  /** Each fault once, and from then on always. */
  readonly times: readonly number[];
}

const SETUPS: readonly Setup[] = [
  { name: 'no repeats', decorators: { retry: null }, times: [1, Number.POSITIVE_INFINITY] },
  { name: 'repeats', decorators: { retry: { delay_ms: 20 } }, times: [1, Number.POSITIVE_INFINITY] },
  {
    name: 'encryption',
    decorators: { retry: null, encryption: { key_id: 'k', keys: { k: { env: 'FAULTS_KEY' } } } },
    times: [1],
  },
  { name: 'a read cache', decorators: { retry: null, cache: {} }, times: [1] },
];

/** Whether that can go wrong, and in a time that a test has. */
function applies(fault: Fault, operation: string): boolean {
  // Copies and completions may think for minutes, and find out then that they failed.
  return fault.type !== 'error-in-200' || operation === 'copy' || operation === 'complete';
}

type Proxy = Awaited<ReturnType<typeof startFaultProxy>>;
type Node = Awaited<ReturnType<typeof startNode>>;

/** No client of its own: nothing is repeated, and a broken body is seen as one. */
function caller(server: {
  readonly s3_url: string;
  readonly access_key: string;
  readonly secret_key: string;
}): Call {
  const presign = createPresigner(server.s3_url, server);
  return async (method, path, { query, headers, body } = {}) => {
    const signed = Object.fromEntries(
      Object.entries(headers ?? {}).filter(([name]) => name.startsWith('x-amz-')),
    );
    const url = `${server.s3_url}${presign(method, path, query, signed)}`;
    try {
      const answer = await fetch(url, {
        method,
        ...(headers === undefined ? {} : { headers }),
        ...(body === undefined ? {} : { body }),
      });
      return {
        status: answer.status,
        headers: answer.headers,
        body: Buffer.from(await answer.arrayBuffer()),
      };
    } catch {
      return { status: 0, headers: new Headers(), body: Buffer.alloc(0) };
    }
  };
}

/** An error that a client of S3 may try again after, or a connection that broke off. */
function expectCorrectError({ status, body }: Answer, what: string): void {
  const text = body.toString();
  const shown = `${what}: ${status} ${text.slice(0, 300)}`;
  expect([0, 200, 500, 503], shown).toContain(status);
  if (status !== 0) expect(text, shown).toMatch(/<Code>(InternalError|ServiceUnavailable|SlowDown)<\/Code>/);
}

async function contentOf(call: Call, key: string): Promise<Buffer | null> {
  const answer = await call('GET', `/${BUCKET}/${key}`);
  if (answer.status === 404) return null;
  return mustSucceed(answer, `read ${key}`).body;
}

const same = (a: Buffer | null, b: Buffer | null): boolean =>
  a === null || b === null ? a === b : a.equals(b);

async function openFiles(pid: number): Promise<number> {
  return (await readdir(`/proc/${pid}/fd`)).length;
}

const PATIENCE_ROUNDS = 5;

/** For what no fault is meant for: on a machine that is too busy an answer may come too late by itself. */
function patient(call: Call): Call {
  return async (...request) => {
    for (let round = 1; ; round++) {
      const answer = await call(...request);
      if ((answer.status !== 503 && answer.status !== 0) || round === PATIENCE_ROUNDS) return answer;
    }
  };
}

function faultsOf(minio: () => Upstream, { name, decorators, times: all_times }: Setup): void {
  describe(name, () => {
    let proxy: Proxy;
    let node: Node;
    let folder = '';
    let call: Call;
    /** Past the proxy; of encrypted contents only the node can tell. */
    let direct: Call;
    let files_at_first = 0;

    beforeAll(async () => {
      const { s3_url, region, access_key, secret_key } = minio();
      proxy = await startFaultProxy(s3_url);
      folder = await temporaryFolder('faults');
      const upstream = { type: 'minio', endpoint: proxy.url, region, access_key, secret_key };
      node = await startNode({
        folder,
        env: { FAULTS_KEY: '5a'.repeat(32) },
        config: {
          adapters: { upstream: { ...upstream, ...TIMEOUTS, ...decorators } },
          mounts: [{ buckets: '*', adapter: 'upstream' }],
        },
      });
      call = caller(node);
      direct = name === 'encryption' ? call : caller(minio());
      await call('PUT', `/${BUCKET}`);
      for (const { prepare, name: operation } of OPERATIONS)
        await (await prepare(patient(call), `${slug(name)}/first/${slug(operation)}`)).run();
      files_at_first = await openFiles(node.pid);
    });

    afterAll(async () => {
      await node?.stop();
      await proxy?.stop();
      await rm(folder, { recursive: true, force: true });
    });

    for (const [{ name: fault_name, fault }, bucket] of FAULTS.flatMap((one) =>
      [BUCKET, RECORDS_BUCKET].map((bucket) => [one, bucket] as const),
    )) {
      const where = bucket === BUCKET ? '' : ', among the records';
      const operations = OPERATIONS.filter((one) => bucket === BUCKET || one.records === true);
      test(`${fault_name}${where}`, async () => {
        for (const operation of operations.filter((one) => applies(fault, one.name))) {
          for (const times of fault.type === 'slow-answer' ? [1] : all_times) {
            const what = `${name}, ${fault_name}${where} ${times === 1 ? 'once' : 'always'}, ${operation.name}`;
            const key = `${slug(name)}/${slug(fault_name + where)}/${slug(operation.name)}-${times}`;
            const trial = await operation.prepare(patient(call), key);
            proxy.inject({ fault, times, matches: ({ url }) => url.startsWith(`/${bucket}`) });
            const hits_before = proxy.injected_count;
            const answer = await trial.run();
            proxy.calm();
            expect(proxy.injected_count, `${what}: met no fault`).toBeGreaterThan(hits_before);
            const found = await (trial.read?.(patient(call)) ?? contentOf(patient(direct), trial.key));
            if (!isSuccess(answer)) {
              expectCorrectError(answer, what);
              expect(same(found, trial.before) || same(found, trial.after), `${what}: half written`).toBe(
                true,
              );
              continue;
            }
            expect(same(found, trial.after), `${what}: not what was acknowledged`).toBe(true);
            trial.checkSuccess?.(answer);
            await trial.followUp?.(patient(call), answer, fault.type === 'wrong-etag');
          }
        }
      });
    }

    test('connections refused for a while', async () => {
      await proxy.refuse();
      const began_ms = Date.now();
      const refused = await call('PUT', `/${BUCKET}/${slug(name)}/refused`, { body: SMALL });
      expectCorrectError(refused, 'PUT');
      expect(refused.status).toBe(503);
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
      while (Date.now() - began_ms < REFUSED_MS) {
        const { status } = await call('GET', `/${BUCKET}/${slug(name)}/first/get-small`);
        expect(status).toBe(503);
        await new Promise((resolve) => setTimeout(resolve, REFUSED_MS / 10));
      }
      await proxy.accept();
      // An address that was down is left alone for a moment.
      await expect
        .poll(async () => (await call('PUT', `/${BUCKET}/${slug(name)}/back`, { body: SMALL })).status, {
          timeout: 20_000,
        })
        .toBe(200);
      expect(same(await contentOf(direct, `${slug(name)}/back`), SMALL)).toBe(true);
      expect(same(await contentOf(direct, `${slug(name)}/refused`), null)).toBe(true);
    });

    test('no connection is left behind', async () => {
      await expect.poll(() => openFiles(node.pid), { timeout: 30_000 }).toBeLessThan(files_at_first + 10);
      expect(proxy.open_connections).toBeLessThan(20);
    });
  });
}

const slug = (text: string): string => text.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');

describeUpstream(
  'minio',
  async (options) => ({ ...(await startMinio(options)), region: 'us-east-1' }),
  (minio) => {
    for (const setup of SETUPS) faultsOf(minio, setup);
  },
);
