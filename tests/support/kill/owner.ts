/**
 * A whole Nextvec in a process of its own, to be killed: goes on with the newest run unless that has finished, else
 * starts one. Tells which run it is and every step its watcher is told.
 */
import { createNextvec } from '../../../src/main/nextvec.ts';
import type { RecipeInput } from '#shared/domain/recipe.ts';

export interface OwnerWord {
  readonly runId: string;
  /** Furthest step the watcher was told. */
  readonly told: number;
  /** Steps trained in this life. */
  readonly trained: number;
  readonly isTraining: boolean;
  readonly isFinished: boolean;
}

const [home, recipeJson, checkpointEveryMs] = process.argv.slice(2);
const nextvec = await createNextvec({
  home,
  host: 'node',
  version: '0.0.0-test',
  resourcesDir: 'resources',
  roots: [],
  checkpointEveryMs: Number(checkpointEveryMs),
});
const { client } = nextvec;
const [newest] = await client.runs.list();
const isNew = newest === undefined || newest.status === 'finished';
const runId = isNew ? (await client.runs.start({ recipe: JSON.parse(recipeJson) as RecipeInput })).runId : newest.id;
if (!isNew) await client.runs.resume({ runId });
let told = 0;
let trained = 0;
const say = (isTraining: boolean, isFinished: boolean): void => {
  process.send?.({ runId, told, trained, isTraining, isFinished } satisfies OwnerWord);
};
say(false, false);
let isFinished = false;
for await (const event of await client.runs.watch({ runId })) {
  if (event.type === 'steps') {
    told = event.firstStep + event.count - 1;
    trained += event.count;
    say(true, false);
  }
  if (event.type === 'run' && event.run.status === 'running') say(true, false);
  isFinished = event.type === 'run' && event.run.status === 'finished';
  if (isFinished) break;
}
await nextvec.close();
say(false, isFinished);
process.disconnect();
