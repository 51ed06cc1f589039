/** A whole Nextvec in a process of its own, to be killed: goes on with the run given, or starts one, and says when it ends. */
import { createNextvec } from '../../../src/main/nextvec.ts';
import type { RecipeInput } from '#shared/domain/recipe.ts';

const [home, recipeJson] = process.argv.slice(2);
const nextvec = await createNextvec({
  home,
  host: 'node',
  version: '0.0.0-test',
  resourcesDir: 'resources',
  roots: [],
  checkpointEveryMs: 100,
});
const { client } = nextvec;
const [earlier] = await client.runs.list();
const runId = earlier?.id ?? (await client.runs.start({ recipe: JSON.parse(recipeJson) as RecipeInput })).runId;
if (earlier !== undefined && earlier.status !== 'finished') await client.runs.resume({ runId });
for await (const event of await client.runs.watch({ runId })) {
  if (event.type === 'run' && event.run.status === 'running') process.send?.({ running: event.run.step });
  if (event.type === 'run' && event.run.status === 'finished') break;
}
await nextvec.close();
process.send?.({ finished: runId });
process.disconnect();
