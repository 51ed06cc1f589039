/** `runs.*`: the contract's calls on the run service. */
import { z } from 'zod';
import { applyChanges, parseCommandLine } from '#shared/domain/recipe/command-line.ts';
import { NextvecError } from '#shared/domain/errors.ts';
import type { Recipe } from '#shared/domain/recipe/recipe.ts';
import { exportRun } from '../runs/export.ts';
import { importRun } from '../runs/import-run.ts';
import { preflight } from '../runs/preflight.ts';
import { readRecipeFile } from '../runs/recipe-import.ts';
import { requireOwner, type Services } from './context.ts';
import { procedures } from './implementer.ts';
import { eventStream } from '../wire/stream.ts';

/** A pasted command line over a base recipe; data files are named by the form, so their flags are only noted. */
function readCommandLine(text: string, base: Recipe) {
  const { changes, data, ood, unknown } = parseCommandLine(text);
  const notes: string[] = [];
  if (data !== null) notes.push(`--data ${data}: choose the data set in the form.`);
  if (ood !== null) notes.push(`--ood ${ood}: choose the OOD set in the form.`);
  try {
    return { recipe: applyChanges(base, changes), unknownFlags: [...unknown], notes };
  } catch (error) {
    if (!(error instanceof z.ZodError)) throw error;
    throw new NextvecError('BAD_RECIPE', z.prettifyError(error), {
      remedy: 'Correct the value in the command line.',
      details: { place: error.issues[0]?.path.join('.') ?? null },
      cause: error,
    });
  }
}

export function runsRouter(services: Services) {
  const service = services.runs;
  const { runs } = procedures;
  const owner = (): void => requireOwner(services);
  return runs.router({
    list: runs.list.handler(() => service.list()),
    get: runs.get.handler(({ input }) => service.get(input.runId)),
    changes: runs.changes.handler(({ signal }) => eventStream((cancelled) => service.bus.changes(cancelled), signal)),
    watch: runs.watch.handler(({ input, signal }) => {
      const { id } = service.row(input.runId);
      return eventStream((cancelled) => service.watch(id, cancelled), signal);
    }),
    series: runs.series.handler(({ input }) => service.series(input)),
    preflight: runs.preflight.handler(({ input }) => preflight(services, input.recipe)),
    start: runs.start.handler(({ input }) => {
      owner();
      return { runId: service.start(input.recipe, input.name ?? null, input.tags) };
    }),
    pause: runs.pause.handler(({ input }) => (owner(), service.pause(input.runId))),
    resume: runs.resume.handler(({ input }) => (owner(), service.resume(input.runId))),
    stop: runs.stop.handler(({ input }) => (owner(), service.stop(input.runId, input.at))),
    annotate: runs.annotate.handler(({ input }) => {
      owner();
      return service.annotate(input.runId, input);
    }),
    importRun: runs.importRun.handler(({ input }) => importRun(services, input)),
    delete: runs.delete.handler(async ({ input }) => {
      owner();
      return { freedBytes: await service.delete(input.runId) };
    }),
    export: runs.export.handler(({ input }) => exportRun(services, input.runId, input.format)),
    readRecipeFile: runs.readRecipeFile.handler(({ input }) => readRecipeFile(services, input.path, input.base)),
    parseCommandLine: runs.parseCommandLine.handler(({ input }) => readCommandLine(input.text, input.base)),
  });
}
