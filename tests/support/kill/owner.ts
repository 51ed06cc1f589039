/**
 * A Nextvec process to be killed: resumes the newest run unless it has finished, else
 * starts one. Sends the run id and every step its watcher receives.
 */
import { openNextvec } from '../open.ts';
import type { RecipeInput } from '#shared/domain/recipe/recipe.ts';

export interface OwnerMessage {
  readonly runId: string;
  /** Furthest step sent to the watcher. */
  readonly sent: number;
  /** Steps trained by this process. */
  readonly trained: number;
  /** Of the fit of a mixture, 0-based; 0 for other models. */
  readonly stage: number;
  readonly isTraining: boolean;
  readonly isFinished: boolean;
}

const [home, recipeJson, checkpointEveryMs] = process.argv.slice(2);
const nextvec = await openNextvec(home, {
  checkpointEveryMs: Number(checkpointEveryMs),
});
const { client } = nextvec;
const [newest] = await client.runs.list();
const isNew = newest === undefined || newest.status === 'finished';
const runId = isNew ? (await client.runs.start({ recipe: JSON.parse(recipeJson) as RecipeInput })).runId : newest.id;
if (!isNew) await client.runs.resume({ runId });
let sent = 0;
let trained = 0;
let stage = 0;
const send = (isTraining: boolean, isFinished: boolean): void => {
  process.send?.({ runId, sent, trained, stage, isTraining, isFinished } satisfies OwnerMessage);
};
send(false, false);
let isFinished = false;
for await (const event of await client.runs.watch({ runId })) {
  if (event.type === 'steps') {
    sent = event.firstStep + event.count - 1;
    trained += event.count;
    send(true, false);
  }
  if (event.type === 'run' && event.run.status === 'running') {
    stage = event.run.stage?.index ?? stage;
    send(true, false);
  }
  isFinished = event.type === 'run' && event.run.status === 'finished';
  if (isFinished) break;
}
await nextvec.close();
send(false, isFinished);
process.disconnect();
