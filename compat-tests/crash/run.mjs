import { parseArgs } from 'node:util';
import { runCampaign } from './campaign.mjs';
import { runFsyncFault } from './fault-fsync.mjs';
import { runFullDisk } from './fault-full.mjs';

const USAGE = `Kills a node again and again and checks that nothing acknowledged is lost.

  node compat-tests/crash/run.mjs [--rounds N] [--versioned] [--seed S] [--clients N] [--fault fsync|full]

  --rounds N     kills, or repetitions of a fault (default 20, faults 1)
  --versioned    only buckets with versioning
  --seed S       the same choices again (their timing differs)
  --clients N    concurrent writers (default 8)
  --fault fsync  every fsync fails from some moment on (needs strace)
  --fault full   the disk is full (needs root, for a small tmpfs)
`;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string' },
    versioned: { type: 'boolean', default: false },
    seed: { type: 'string' },
    clients: { type: 'string', default: '8' },
    fault: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

async function main() {
  if (values.help) return console.log(USAGE);
  const seed = values.seed === undefined ? Date.now() % 2 ** 31 : Number(values.seed);
  const { versioned } = values;
  console.log(`seed ${seed}`);
  if (values.fault === undefined) {
    const clients = Number(values.clients);
    const rounds = Number(values.rounds ?? 20);
    const result = await runCampaign({ rounds, seed, versioned, clients, log: console.log });
    return console.log(JSON.stringify(result, null, 2));
  }
  const faults = new Map([
    ['fsync', runFsyncFault],
    ['full', runFullDisk],
  ]);
  const run = faults.get(values.fault);
  if (run === undefined) throw new Error(`unknown fault ${values.fault}\n\n${USAGE}`);
  for (let round = 0; round < Number(values.rounds ?? 1); round += 1) {
    const outcome = await run({ seed: seed + round, versioned, log: console.log });
    console.log('skipped' in outcome ? `skipped: ${outcome.skipped}` : JSON.stringify(outcome));
  }
}

await main().catch((error) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
