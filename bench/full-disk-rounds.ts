/**
 * Hundreds of rounds of a full disk at random moments of a training run. In every second round the whole program is killed
 * while the disk is full; in the others the run must pause by itself, an import and an export must fail as DISK_FULL, and the run goes on
 * when there is room. After each round the next start must own everything in the folder; runs that end must end in the
 * bytes of one that was not disturbed. Stops at the first that does not. Prints one JSON line.
 * Usage: TMPDIR=DIR node bench/full-disk-rounds.ts [--rounds 200] [--seed N], DIR on a small disk of its own, e.g.
 * mount -t tmpfs -o size=48m tmpfs DIR
 */
import { parseArgs } from 'node:util';
import { testHome } from '../tests/support/nextvec.ts';
import { fillDisk } from '../tests/support/kill/full-disk.ts';
import { trainReference } from '../tests/support/kill/reference.ts';

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '200' }, seed: { type: 'string', default: String(Date.now()) } },
});
const seed = Number(values.seed);
console.error(`seed ${seed}`);
const home = await testHome();
try {
  const reference = await trainReference(home);
  const startedMs = performance.now();
  const report = await fillDisk({ home, reference, rounds: Number(values.rounds), seed });
  const seconds = Math.round((performance.now() - startedMs) / 1000);
  console.log(JSON.stringify({ seed, ...report, seconds }));
} finally {
  await home.dispose();
}
