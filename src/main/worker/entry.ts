/** The data worker: a thread that answers `workerContract` over the port it was started with. Entry of data-worker.js. */
import { workerData, type MessagePort } from 'node:worker_threads';
import { implement } from '@orpc/server';
import { RPCHandler } from '@orpc/server/message-port';
import { measureBaselines } from '#engine/evaluation/baselines.ts';
import { productFor } from '#engine/evaluation/fast-product.ts';
import { Control } from '#engine/trainer/control.ts';
import { TYPED_ARRAY_SERIALIZERS } from '#shared/contract/serializers.ts';
import type { BalanceEvent, EvaluationEvent, FirstBatchesEvent, MapEvent } from '#shared/contract/evaluation.ts';
import type { Inspection, WindowPick } from '#shared/domain/evaluation/inspection.ts';
import type { Mapping } from '#shared/domain/datasets/mapping.ts';
import type { Split as RecipeSplit } from '#shared/domain/recipe/recipe.ts';
import type { CosineSums } from '#shared/domain/evaluation/interval.ts';
import type { Baselines } from '#shared/domain/runs/training.ts';
import { checkCheckpoints } from '../checkpoints/verify.ts';
import { previewArticles } from '../datasets/import/article-preview.ts';
import { articleSides, measureArticles } from '../datasets/measures/article-table.ts';
import { compareDatasets } from '../datasets/measures/compare.ts';
import { openDataset, type Dataset } from '../datasets/dataset.ts';
import { describeFile } from '../datasets/import/describe.ts';
import { importDataset } from '../datasets/import/import.ts';
import { listTexts, textsOfWindows } from '../datasets/texts/window-texts.ts';
import { checkStored } from '../datasets/measures/verify.ts';
import type { Inspector } from '../evaluation/inspect.ts';
import type { EvaluateJob, FirstBatchesJob, MapJob } from '../processes/jobs/evaluation.ts';
import { splitDataset } from '../datasets/split/split.ts';
import { Channel } from '../wire/channel.ts';
import { toWireError } from '../wire/errors.ts';
import { withoutForms } from '../wire/forms.ts';
import { nodePort } from '../wire/node-port.ts';
import { eventStream } from '../wire/stream.ts';
import { proveSplit } from '../datasets/split/split-proof.ts';
import { nodeEngineHost } from '../processes/engine-host.ts';
import type { ExportDataJob } from '../processes/jobs/export-data.ts';
import type { ExportPredictionsJob } from '../processes/jobs/export-predictions.ts';
import { workerContract, type WorkerExportEvent, type WorkerImportEvent } from '../processes/worker-contract.ts';

const procedures = implement(workerContract).use(async ({ next }) => {
  try {
    return await next();
  } catch (error) {
    throw toWireError(error);
  }
});

async function withDataset<R>(folder: string, work: (dataset: Dataset) => R | Promise<R>): Promise<R> {
  using dataset = openDataset(folder);
  return await work(dataset);
}

/** With an OOD set, where there is one. */
function withDatasets<R>(
  { folder, oodFolder }: { readonly folder: string; readonly oodFolder: string | null },
  work: (dataset: Dataset, ood: Dataset | null) => Promise<R>,
): Promise<R> {
  return withDataset(folder, (dataset) =>
    oodFolder === null ? work(dataset, null) : withDataset(oodFolder, (ood) => work(dataset, ood)),
  );
}

interface ImportInput {
  readonly path: string;
  readonly folder: string;
  readonly dtype: 'float32' | 'float16' | null;
  readonly crossArticles: boolean;
  readonly contextLength: number | null;
  readonly history: number | null;
  readonly stride: number;
  readonly normalise: boolean;
  readonly mapping: Mapping;
  readonly texts: boolean;
  readonly textColumn: string | null;
}

function importFile(input: ImportInput, signal: AbortSignal): AsyncGenerator<WorkerImportEvent> {
  return eventsOf<WorkerImportEvent>(async (emit) => {
    const { passport, storedBytes } = await importDataset(input.path, input.folder, {
      dtype: input.dtype ?? undefined,
      crossArticles: input.crossArticles,
      T: input.contextLength,
      history: input.history,
      stride: input.stride,
      normalise: input.normalise,
      mapping: input.mapping,
      texts: input.texts,
      textColumn: input.textColumn ?? undefined,
      signal,
      onProgress: (status) => emit({ type: 'progress', ...status }),
    });
    return { type: 'done', passport, storedBytes };
  });
}

/** The events that `work` emits, then the one it returns. */
async function* eventsOf<E>(work: (emit: (event: E) => void) => Promise<E>): AsyncGenerator<E> {
  const events = new Channel<E>();
  const finish = async (): Promise<void> => {
    try {
      events.push(await work((event) => events.push(event)));
      events.end();
    } catch (error) {
      events.fail(error);
    }
  };
  void finish();
  yield* events.read();
}

type WorkEvent = { type: 'progress'; phase: string; fraction: number | null };

/** The progress of some work and then its result, as events. */
function withProgress<R>(
  work: (progress: (phase: string, fraction: number | null) => void) => Promise<R>,
): AsyncGenerator<R | WorkEvent> {
  return eventsOf<R | WorkEvent>((emit) => work((phase, fraction) => emit({ type: 'progress', phase, fraction })));
}

function exportData(job: ExportDataJob, signal: AbortSignal): AsyncGenerator<WorkerExportEvent> {
  return withProgress(async (progress) => {
    const { exportDataset } = await import('../datasets/export/export.ts');
    const onProgress = (fraction: number): void => progress('writing', fraction);
    return { type: 'done' as const, ...(await exportDataset(job, { onProgress, signal })) };
  });
}

function exportPredictionsOf(job: ExportPredictionsJob, signal: AbortSignal): AsyncGenerator<WorkerExportEvent> {
  return withProgress(async (progress) => {
    const { exportPredictions } = await import('../inference/export-predictions.ts');
    const onProgress = (fraction: number): void => progress('predicting', fraction);
    return { type: 'done' as const, ...(await exportPredictions(job, { onProgress, signal })) };
  });
}

/** Engines load only for those who need a model. */
function evaluate(job: EvaluateJob): AsyncGenerator<EvaluationEvent> {
  return withProgress(async (progress) => {
    const { evaluateRun } = await import('../evaluation/evaluate.ts');
    return { type: 'done' as const, evaluation: await evaluateRun(job, progress) };
  });
}

function map(job: MapJob): AsyncGenerator<MapEvent> {
  return withProgress(async (progress) => {
    const { mapVectors } = await import('../evaluation/map.ts');
    return { type: 'done' as const, map: await mapVectors(job, progress) };
  });
}

function firstBatches(job: FirstBatchesJob): AsyncGenerator<FirstBatchesEvent> {
  return withProgress(async (progress) => {
    const { measureFirstBatches } = await import('../evaluation/first-batches.ts');
    return { type: 'done' as const, firstBatches: await measureFirstBatches(job, progress) };
  });
}

function balance(job: FirstBatchesJob): AsyncGenerator<BalanceEvent> {
  return withProgress(async (progress) => {
    const { balanceRecipe } = await import('../evaluation/first-batches.ts');
    return { type: 'done' as const, balance: await balanceRecipe(job, progress) };
  });
}

/** The inspector of this thread and the job it was opened for. */
let inspecting: { readonly key: string; readonly opened: Inspector } | null = null;
/** One window after the other: a model answers one question at a time. */
let turn: Promise<unknown> = Promise.resolve();

async function inspectorFor(job: EvaluateJob): Promise<Inspector> {
  const key = JSON.stringify(job);
  if (inspecting?.key === key) return inspecting.opened;
  const before = inspecting;
  inspecting = null;
  await before?.opened.close();
  const { openInspector } = await import('../evaluation/inspect.ts');
  inspecting = { key, opened: await openInspector(job) };
  return inspecting.opened;
}

function inspect(job: EvaluateJob, pick: WindowPick): Promise<Inspection> {
  const mine = turn.then(async () => (await inspectorFor(job)).inspect(pick));
  turn = mine.catch(() => undefined);
  return mine;
}

/** Vectors beyond this stay on disk: a trainer may hold them all already. */
const BASELINE_MEMORY_BYTES = 512 * 2 ** 20;

interface BaselineInput {
  readonly split: RecipeSplit;
  readonly seed: number;
  readonly resourcesDir: string;
}

const control = new Control();

async function between(): Promise<boolean> {
  await control.yieldToEventLoop();
  return true;
}

async function baselinesOf(
  dataset: Dataset,
  ood: Dataset | null,
  input: BaselineInput,
): Promise<{ baselines: Baselines; sums: CosineSums | null }> {
  const { train, val } = splitDataset(dataset, input.split, input.seed);
  const memory = { memoryBytes: BASELINE_MEMORY_BYTES };
  const source = await dataset.source(undefined, memory);
  const oodSource = await ood?.source(undefined, memory);
  const splits = {
    train: { source, ids: train },
    validation: { source, ids: val, articleOf: dataset.windowArticles ?? undefined },
    ood: oodSource && {
      source: oodSource,
      ids: Uint32Array.from({ length: oodSource.windows }, (_, i) => i),
      articleOf: ood?.windowArticles ?? undefined,
    },
  };
  const product = await productFor(splits, nodeEngineHost(input.resourcesDir));
  return (await measureBaselines(splits, input.seed, { product, between })) ?? { baselines: {}, sums: null };
}

const router = procedures.router({
  alive: procedures.alive.handler(() => undefined),
  importFile: procedures.importFile.handler(({ input, signal }) =>
    eventStream((cancelled) => importFile(input, cancelled), signal),
  ),
  exportDataset: procedures.exportDataset.handler(({ input, signal }) =>
    eventStream((cancelled) => exportData(input, cancelled), signal),
  ),
  describe: procedures.describe.handler(({ input }) => describeFile(input.path)),
  proveSplit: procedures.proveSplit.handler(({ input, signal }) =>
    withDatasets(
      input,
      async (dataset, ood) => (await proveSplit(dataset, ood, input.split, input.seed, signal)).proof,
    ),
  ),
  measureBaselines: procedures.measureBaselines.handler(({ input }) =>
    withDatasets(input, (dataset, ood) => baselinesOf(dataset, ood, input)),
  ),
  previewArticles: procedures.previewArticles.handler(({ input }) => previewArticles(input.folder)),
  articles: procedures.articles.handler(({ input, signal }) =>
    withDataset(input.folder, (dataset) => measureArticles(dataset, { signal })),
  ),
  articleSides: procedures.articleSides.handler(({ input }) =>
    withDataset(input.folder, (dataset) => articleSides(dataset, input.split, input.seed)),
  ),
  texts: procedures.texts.handler(({ input }) => listTexts(input.folder, input.first, input.count)),
  windowTexts: procedures.windowTexts.handler(({ input }) => textsOfWindows(input.folder, input.windows)),
  // SQLite loads only for those who search.
  searchTexts: procedures.searchTexts.handler(async ({ input }) =>
    (await import('../datasets/texts/search.ts')).searchTexts(input.folder, input),
  ),
  checkStored: procedures.checkStored.handler(({ input }) => checkStored(input.folder)),
  checkCheckpoints: procedures.checkCheckpoints.handler(({ input }) => checkCheckpoints(input.folder, input)),
  compareData: procedures.compareData.handler(({ input, signal }) =>
    withDataset(input.a, (a) => withDataset(input.b, (b) => compareDatasets(a, b, signal))),
  ),
  evaluate: procedures.evaluate.handler(({ input, signal }) => eventStream(() => evaluate(input), signal)),
  inspect: procedures.inspect.handler(({ input }) => inspect(input.job, input.pick)),
  map: procedures.map.handler(({ input, signal }) => eventStream(() => map(input), signal)),
  firstBatches: procedures.firstBatches.handler(({ input, signal }) => eventStream(() => firstBatches(input), signal)),
  balance: procedures.balance.handler(({ input, signal }) => eventStream(() => balance(input), signal)),
  importRun: procedures.importRun.handler(async ({ input }) =>
    (await import('../runs/imports/import-run-job.ts')).importRunJob(input),
  ),
  predict: procedures.predict.handler(async ({ input }) => (await import('../inference/predict.ts')).predict(input)),
  exportPredictions: procedures.exportPredictions.handler(({ input, signal }) =>
    eventStream((cancelled) => exportPredictionsOf(input, cancelled), signal),
  ),
  engines: procedures.engines.handler(async ({ input }) =>
    (await import('#engine/registry.ts')).engineAvailability(nodeEngineHost(input.resourcesDir)),
  ),
  exportModel: procedures.exportModel.handler(async ({ input }) =>
    (await import('../runs/exports/export-model.ts')).exportModel(input),
  ),
  exportTorchProject: procedures.exportTorchProject.handler(async ({ input }) =>
    (await import('../runs/exports/torch-project.ts')).exportTorchProject(input),
  ),
});

withoutForms();
const { port }: { port: MessagePort } = workerData;
new RPCHandler(router, { customJsonSerializers: TYPED_ARRAY_SERIALIZERS }).upgrade(nodePort(port));
