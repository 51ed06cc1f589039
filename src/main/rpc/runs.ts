/** `runs.*`: the contract's calls on runs, preflight, exports and imports. */
import { exportRun, type ExportContext } from '../runs/exports/export.ts';
import { importRun, type ImportRunContext } from '../runs/imports/imported-run.ts';
import { preflight, type PreflightContext } from '../runs/preflight.ts';
import { readCommandLine, readRecipeFile } from '../runs/recipe-import.ts';
import type { RunService } from '../runs/service.ts';
import { requireRun } from '../store/runs.ts';
import { eventStream } from '../wire/stream.ts';
import type { Procedures } from './implementer.ts';

export type RunsContext = PreflightContext & ExportContext & Omit<ImportRunContext, 'announce'>;

export function runsRouter({ runs }: Procedures, service: RunService, context: RunsContext) {
  const { db } = context.home;
  const importContext = { ...context, announce: (runId: string) => service.announceImported(runId) };
  return runs.router({
    list: runs.list.handler(() => service.list()),
    get: runs.get.handler(({ input }) => service.get(input.runId)),
    changes: runs.changes.handler(({ signal }) => eventStream((cancelled) => service.bus.changes(cancelled), signal)),
    watch: runs.watch.handler(({ input, signal }) => {
      const { id } = requireRun(db, input.runId);
      return eventStream((cancelled) => service.watch(id, cancelled), signal);
    }),
    series: runs.series.handler(({ input }) => service.series(input)),
    preflight: runs.preflight.handler(({ input }) => preflight(context, input.recipe)),
    start: runs.start.handler(({ input }) => ({
      runId: service.start(input.recipe, input.name ?? null, input.tags, { on: input.on }),
    })),
    checkCluster: runs.checkCluster.handler(({ input }) => service.checkCluster(input.cluster)),
    pause: runs.pause.handler(({ input }) => service.pause(input.runId)),
    resume: runs.resume.handler(({ input }) => service.resume(input.runId, { engine: input.engine })),
    stop: runs.stop.handler(({ input }) => service.stop(input.runId, input.at)),
    annotate: runs.annotate.handler(({ input }) => service.annotate(input.runId, input)),
    importRun: runs.importRun.handler(({ input }) => importRun(importContext, input)),
    delete: runs.delete.handler(async ({ input }) => ({ freedBytes: await service.delete(input.runId) })),
    export: runs.export.handler(({ input }) => exportRun(context, input.runId, input.format)),
    readRecipeFile: runs.readRecipeFile.handler(({ input }) => readRecipeFile(db, input.path, input.base)),
    parseCommandLine: runs.parseCommandLine.handler(({ input }) => readCommandLine(input.text, input.base)),
  });
}
