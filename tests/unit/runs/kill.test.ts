/**
 * kill -9 at random moments, of the trainer and of the whole program. NEXTVEC_KILL_ROUNDS sets the kills of each;
 * bench/kill-rounds.ts does hundreds.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { testHome, type TestHome } from '../../support/nextvec.ts';
import { trainReference, type Reference } from '../../support/kill/reference.ts';
import { killSeveral } from '../../support/kill/several.ts';
import { killInStages } from '../../support/kill/stages.ts';
import { killProgram, killTrainer } from '../../support/kill/rounds.ts';

const ROUNDS = Number(process.env.NEXTVEC_KILL_ROUNDS ?? 4);
const SEED = 20261122;

let home: TestHome;
let reference: Reference;

beforeAll(async () => {
  home = await testHome();
  reference = await trainReference(home);
  console.log(`kill rounds: seed ${SEED}`);
});
afterAll(() => home.dispose());

test('a run survives kill -9 of its trainer, bit for bit', async () => {
  const report = await killTrainer({ home, reference, rounds: ROUNDS, seed: SEED });
  expect(report.kills).toBe(ROUNDS);
  expect(report.runsFinished).toBeGreaterThan(0);
  expect(report.whileStarting).toBeLessThan(ROUNDS);
}, 300_000);

test('a run survives kill -9 of the whole program, bit for bit', async () => {
  const report = await killProgram({ home, reference, rounds: ROUNDS, seed: SEED + 1 });
  expect(report.kills).toBe(ROUNDS);
  expect(report.runsFinished).toBeGreaterThan(0);
  expect(report.whileStarting).toBeLessThan(ROUNDS);
}, 300_000);

test('three runs at once survive kill -9 of the whole program, each bit for bit', async () => {
  const { recipe } = reference;
  const others: Reference[] = [];
  for (const seed of [1, 2]) others.push(await trainReference(home, 'amn', { dataset: recipe.dataset, seed }));
  const rounds = Math.ceil(ROUNDS / 3);
  const report = await killSeveral({ home, references: [reference, ...others], rounds, seed: SEED + 3 });
  expect(report.kills).toBe(rounds);
  expect(report.runsFinished).toBeGreaterThanOrEqual(3);
}, 300_000);

test('the fit of a Gram mixture with an earlier run as a part survives kill -9 in every stage, bit for bit', async () => {
  const own = await testHome();
  try {
    const mixture = await trainReference(own, 'gram-with-part');
    const kills = await killInStages(own, mixture, Math.ceil(ROUNDS / 10));
    expect(kills).toBeGreaterThanOrEqual(9);
  } finally {
    await own.dispose();
  }
}, 300_000);
