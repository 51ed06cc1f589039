/**
 * Hundreds of rounds of kill -9 at random moments: of the trainer, and of the whole program. After each one the history
 * is read and held against an uninterrupted run; every run that gets through must end in the same bytes. Stops at the
 * first that does not. Prints one JSON line.
 * Usage: node bench/kill-rounds.ts [--rounds 200] [--seed N] [--model amn|gram|gram-with-part] [--every-stage 0]
 * --every-stage N: N further runs of a mixture, each killed once in every stage of its fit.
 */
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { killProgram, killTrainer } from '../tests/support/kill/rounds.ts';
import { KILLED_MODELS, trainReference } from '../tests/support/kill/reference.ts';
import { killInStages } from '../tests/support/kill/stages.ts';
import { testHome } from '../tests/support/nextvec.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '200' },
    seed: { type: 'string', default: String(Date.now()) },
    model: { type: 'string', default: 'amn' },
    'every-stage': { type: 'string', default: '0' },
  },
});
const rounds = Number(values.rounds);
const seed = Number(values.seed);
const model = z.enum(KILLED_MODELS).parse(values.model);
console.error(`seed ${seed}`);
const home = await testHome();
try {
  const reference = await trainReference(home, model);
  const startedMs = performance.now();
  const trainer = await killTrainer({ home, reference, rounds, seed });
  const trainerSeconds = Math.round((performance.now() - startedMs) / 1000);
  console.error(JSON.stringify({ trainer, trainerSeconds }));
  const program = await killProgram({ home, reference, rounds, seed: seed + 1 });
  const runsInStages = Number(values['every-stage']);
  await killInStages(home, reference, runsInStages);
  const seconds = Math.round((performance.now() - startedMs) / 1000);
  console.log(
    JSON.stringify({ model, seed, rounds, stepsARun: reference.steps, trainer, program, runsInStages, seconds }),
  );
} finally {
  await home.dispose();
}
