import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bytesOf, failingStreamOf, readAll, streamOf, utf8 } from '../conformance/support/bytes.js';
import { rejection } from '../conformance/support/expect.js';
import { type OpenedAdapter, OWNER } from '../conformance/support/harness.js';
import { openInFreshFolder } from '../local/testing/open-in-fresh-folder.js';
import { createCallStats } from './call-stats.js';
import { type BodyRecord, type CallRecord, measure } from './metrics.js';

let opened: OpenedAdapter;
const bucket = 'bucket';

beforeAll(async () => {
  opened = await openInFreshFolder();
  await opened.adapter.createBucket({ bucket, owner: OWNER });
});
afterAll(() => opened.close());

describe('metrics of an adapter', () => {
  it('say what was asked, how it went and how many bytes passed', async () => {
    const calls: CallRecord[] = [];
    const bodies: BodyRecord[] = [];
    const observer = {
      onCall: (call: CallRecord) => calls.push(call),
      onBody: (body: BodyRecord) => bodies.push(body),
    };
    const store = measure(opened.adapter, observer);
    const large = bytesOf(1, 2_000_000);
    await store.putObject({ bucket, key: 'a', body: streamOf(large), size_bytes: large.length });
    await store.putObject({ bucket, key: 'b', body: utf8('small'), size_bytes: 5 });
    await readAll((await store.getObject({ bucket, key: 'a' })).body);
    await readAll((await store.getObject({ bucket, key: 'b', range: { start: 1 } })).body);
    const { body } = await store.getObject({ bucket, key: 'a' });
    for await (const _chunk of body as AsyncIterable<Uint8Array>) break;
    await rejection(store.headObject({ bucket, key: 'none' }));
    await rejection(store.headObject({ bucket, key: 'a', signal: AbortSignal.abort() }));
    const broken = failingStreamOf(utf8('1234'), new Error('the client went away'));
    await rejection(store.putObject({ bucket, key: 'c', body: broken, size_bytes: 9 }));
    expect(calls.map(({ method, result, in_bytes }) => [method, result, in_bytes])).toEqual([
      ['putObject', 'ok', 2_000_000],
      ['putObject', 'ok', 5],
      ['getObject', 'ok', 0],
      ['getObject', 'ok', 0],
      ['getObject', 'ok', 0],
      ['headObject', 'not_found', 0],
      ['headObject', 'aborted', 0],
      ['putObject', 'caller', 4],
    ]);
    expect(bodies.slice(0, 2).map(({ result, out_bytes }) => [result, out_bytes])).toEqual([
      ['ok', 2_000_000],
      ['ok', 4],
    ]);
    expect(bodies[2]).toMatchObject({ adapter: 'disk', method: 'getObject', result: 'aborted' });
    for (const { duration_ms } of calls) expect(duration_ms).toBeGreaterThanOrEqual(0);
  });

  it('are kept as Prometheus wants them', async () => {
    const stats = createCallStats();
    const store = measure(opened.adapter, stats.observer);
    await store.putObject({ bucket, key: 'd', body: utf8('12345'), size_bytes: 5 });
    await readAll((await store.getObject({ bucket, key: 'd' })).body);
    await rejection(store.getObject({ bucket, key: 'none' }));
    const labels = 'adapter="disk",method="getObject"';
    expect(stats.render()).toEqual(
      expect.arrayContaining([
        `backup_node_adapter_calls_total{${labels},result="ok"} 1`,
        `backup_node_adapter_calls_total{${labels},result="not_found"} 1`,
        `backup_node_adapter_call_duration_seconds_count{${labels}} 2`,
        'backup_node_adapter_received_bytes_total{adapter="disk",method="putObject"} 5',
        `backup_node_adapter_sent_bytes_total{${labels}} 5`,
      ]),
    );
  });
});
