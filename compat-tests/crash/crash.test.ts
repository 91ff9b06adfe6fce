import { rm } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { startNode } from '../support/node.mjs';
import { temporaryFolder } from '../support/temp.mjs';
import { CREDENTIALS, runCampaign } from './campaign.mjs';
import { drainUnderLoad } from './drain.mjs';
import { runFsyncFault } from './fault-fsync.mjs';
import { runFullDisk } from './fault-full.mjs';
import { createS3Client } from './s3-client.mjs';

const ROUNDS = 20;
/** Requests in flight of which an existing server resets 73 when it is told to end. */
const IN_FLIGHT = 179;
/** Each run makes other choices; a failure names the seed. */
const seed = Number(process.env.CRASH_SEED ?? Date.now() % 2 ** 31);

describe('a node that is killed', () => {
  test(`loses nothing acknowledged in ${ROUNDS} rounds`, { timeout: 240_000 }, async () => {
    const { findings, operations } = await runCampaign({ rounds: ROUNDS, seed });
    expect(operations).toBeGreaterThan(ROUNDS * 20);
    expect(findings.bodies_read).toBeGreaterThan(ROUNDS * 20);
    expect(findings.in_flight_done + findings.in_flight_not_done).toBeGreaterThan(0);
  });
});

describe('a node on a failing disk', () => {
  test('stops when fsync fails, and has acknowledged nothing that is lost', {
    timeout: 120_000,
  }, async (context) => {
    const outcome = await runFsyncFault({ seed });
    if ('skipped' in outcome) return context.skip(outcome.skipped);
    expect(outcome.exit_code).not.toBe(0);
  });

  test('refuses writes when the disk is full, and goes on serving', { timeout: 120_000 }, async (context) => {
    const outcome = await runFullDisk({ seed });
    if ('skipped' in outcome) return context.skip(outcome.skipped);
    expect(outcome.refused).toBeGreaterThan(0);
  });
});

describe('a node that is told to end', () => {
  test(`answers all ${IN_FLIGHT} requests in flight`, { timeout: 120_000 }, async () => {
    const outcome = await drainUnderLoad({ uploads: IN_FLIGHT - 20, downloads: 20, busy: 10 });
    expect(outcome).toMatchObject({
      in_flight: IN_FLIGHT,
      answered: IN_FLIGHT,
      broken: [],
      busy_broken: [],
      lost: [],
      exit_code: 0,
    });
    expect(outcome.busy_acknowledged).toBeGreaterThan(0);
  });
});

describe('a second process on the same folder', () => {
  test('refuses to start and names the process that holds it', { timeout: 60_000 }, async () => {
    const folder = await temporaryFolder('lock');
    const first = await startNode({ folder, ...CREDENTIALS });
    const refusal = await startNode({ folder, ...CREDENTIALS }).then(
      async (second) => {
        await second.kill();
        return 'it started';
      },
      (error: Error) => error.message,
    );
    expect(refusal).toMatch(/exit code [1-9]/);
    expect(refusal).toMatch(new RegExp(`\\b${first.pid}\\b`));
    const s3 = createS3Client(first);
    expect((await s3.ask({ method: 'GET' })).status).toBe(200);
    s3.close();
    expect(await first.stop()).toBe(0);
    await rm(folder, { recursive: true, force: true });
  });
});
