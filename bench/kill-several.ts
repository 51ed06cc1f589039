/**
 * Rounds of kill -9 of the program at random moments while several runs train in it. After each one every history is read
 * and held against the same run undisturbed; every run must end in the same bytes. Stops at the first that does not.
 * Prints one JSON line. Usage: node bench/kill-several.ts [--rounds 20] [--runs 3] [--seed N]
 */
import { parseArgs } from 'node:util';
import { trainReference, type Reference } from '../tests/support/kill/reference.ts';
import { killSeveral } from '../tests/support/kill/several.ts';
import { testHome } from '../tests/support/nextvec.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '20' },
    runs: { type: 'string', default: '3' },
    seed: { type: 'string', default: String(Date.now()) },
  },
});
const rounds = Number(values.rounds);
const runs = Number(values.runs);
const seed = Number(values.seed);
console.error(`seed ${seed}`);
const home = await testHome();
try {
  const references: Reference[] = [await trainReference(home, 'amn', { seed: 1 })];
  const { dataset } = references[0].recipe;
  while (references.length < runs)
    references.push(await trainReference(home, 'amn', { dataset, seed: references.length + 1 }));
  const startedMs = performance.now();
  const report = await killSeveral({ home, references, rounds, seed });
  const seconds = Math.round((performance.now() - startedMs) / 1000);
  console.log(JSON.stringify({ seed, rounds, runs, stepsARun: references[0].steps, ...report, seconds }));
} finally {
  await home.dispose();
}
