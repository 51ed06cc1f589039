/** kill -9 of the trainer of a Gram mixture in every stage of the fit, however short the stage is. */
import assert from 'node:assert/strict';
import { forkTrainer } from '../../../src/main/processes/trainer-process.ts';
import type { TestHome } from '../nextvec.ts';
import { programFile } from '../programs.ts';
import { CHECKPOINT_EVERY_MS, useCompileCache } from './owner-process.ts';
import { checkOwned } from './owned.ts';
import { checkFinished, checkKilled, type Reference } from './reference.ts';
import { watchLife } from './rounds.ts';

/** Trains `rounds` runs, each killed once in every stage; all must end bit for bit as the uninterrupted one. Returns the kills. */
export async function killInStages(home: TestHome, reference: Reference, rounds: number): Promise<number> {
  const { recipe, moments } = reference;
  const fork = forkTrainer(programFile('tests/support/kill/stage-trainer.ts'));
  const spawnTrainer = () => {
    process.env.NEXTVEC_TEST_KILL_STAGE = String(stage);
    return fork();
  };
  useCompileCache(home);
  const nextvec = await home.open({ spawnTrainer, checkpointEveryMs: CHECKPOINT_EVERY_MS });
  const { client } = nextvec;
  let stage = 0;
  for (let round = 0; round < rounds; round++) {
    stage = 0;
    const { runId } = await client.runs.start({ recipe });
    for (; stage < moments.stages; stage++) {
      if (stage > 0) await client.runs.resume({ runId });
      const life = await watchLife(client, runId, () => undefined);
      assert.match(`${life.status}: ${life.reason}`, /^interrupted: .*killed/, `stage ${stage}`);
      await checkKilled(home, client, runId, reference);
    }
    await client.runs.resume({ runId });
    await watchLife(client, runId, () => undefined);
    await checkFinished(home, client, runId, reference);
  }
  await nextvec.close();
  await checkOwned(home);
  return rounds * moments.stages;
}
