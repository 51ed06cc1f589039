/**
 * A Nextvec process to be killed while several runs train: resumes those of its recipes that have not finished, else starts
 * one run of each recipe. Sends how far each has come.
 */
import { openNextvec } from '../open.ts';
import type { RecipeInput } from '#shared/domain/recipe/recipe.ts';

export interface SeveralMessage {
  /** By run id: the last step sent to its watcher; 0 before the first of this life. */
  readonly sent: Readonly<Record<string, number>>;
  /** Runs that have taken a step in this life and not ended. */
  readonly training: number;
  readonly isFinished: boolean;
}

const [home, recipesJson, checkpointEveryMs] = process.argv.slice(2);
const recipes = JSON.parse(recipesJson) as RecipeInput[];
const nextvec = await openNextvec(home, {
  checkpointEveryMs: Number(checkpointEveryMs),
  parallel: recipes.length,
});
const { client } = nextvec;
const open = (await client.runs.list()).filter(({ status }) => status !== 'finished');
for (const { id } of open) await client.runs.resume({ runId: id });
const started = open.length > 0 ? [] : await Promise.all(recipes.map((recipe) => client.runs.start({ recipe })));
const runIds = [...open.map(({ id }) => id), ...started.map(({ runId }) => runId)];
const sent: Record<string, number> = Object.fromEntries(runIds.map((id) => [id, 0]));

const training = new Set<string>();
const send = (isFinished: boolean): void => {
  process.send?.({ sent, training: training.size, isFinished } satisfies SeveralMessage);
};

async function watch(runId: string): Promise<void> {
  for await (const event of await client.runs.watch({ runId })) {
    if (event.type === 'steps') {
      sent[runId] = event.firstStep + event.count - 1;
      training.add(runId);
      send(false);
    }
    if (event.type === 'run' && event.run.status === 'finished') break;
  }
  training.delete(runId);
}

await Promise.all(runIds.map(watch));
await nextvec.close();
send(true);
process.disconnect();
