/**
 * Runs: the queue, the live trainers and the history behind `runs.*`. One run trains at a time; a paused one keeps its
 * process and lets the next one in. Not here: what a trainer says (`live-run.ts`), preflight and exports.
 */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { commandLine, dataWord } from '#shared/domain/recipe/command-line.ts';
import { NextvecError } from '#shared/domain/errors.ts';
import type { Recipe } from '#shared/domain/recipe/recipe.ts';
import type { Baselines } from '#shared/domain/runs/training.ts';
import type { LogLine, RunDetail, RunEvent, RunSummary, Series } from '#shared/contract/runs.ts';
import { hasEnded } from '#shared/domain/runs/run-kinds.ts';
import type { Dataset } from '#shared/contract/datasets.ts';
import type { TrainerJob } from '#shared/contract/trainer.ts';
import { shrink } from '../store/database.ts';
import { findDataset } from '../store/datasets.ts';
import {
  endAttempts,
  insertLog,
  listCheckpoints,
  listEpochs,
  listGates,
  listLog,
  listValCosines,
} from '../store/history.ts';
import { removeFolder, type Home } from '../store/home.ts';
import {
  deleteRun,
  findRunByHandle,
  insertRun,
  listRuns,
  listRunsWithStatus,
  updateRun,
  type RunChanges,
  type RunRow,
} from '../store/runs.ts';
import { readSeries, type SeriesQuery } from '../store/series.ts';
import { currentSettings } from '../store/settings.ts';
import { readRecipe } from '../store/stored-json.ts';
import type { SpawnTrainer } from '../trainer/process.ts';
import { RunBus } from './bus.ts';
import { MODEL_FILE } from './checkpoint.ts';
import { LiveRun } from './live-run.ts';
import { checkRecipe } from './recipe-check.ts';
import { summarise } from './summary.ts';

export interface RunServiceOptions {
  readonly home: Home;
  readonly appVersion: string;
  readonly resourcesDir: string;
  readonly dataWorker: string;
  readonly spawnTrainer: SpawnTrainer;
  readonly checkpointEveryMs: number;
  readonly heartbeatMs?: number;
}

interface Waiting {
  readonly runId: string;
  /** Go on from a checkpoint, rather than begin. */
  readonly resume: boolean;
  readonly stopAfterEpoch: number | null;
}

export interface TrainingExtent {
  /** Ends, resumable, after this epoch; null: the recipe's last. */
  readonly stopAfterEpoch: number | null;
}

const WHOLE: TrainingExtent = { stopAfterEpoch: null };

function earlierEngine(row: RunRow): TrainerJob['earlierEngine'] {
  if (row.engine_json === null) return null;
  return (JSON.parse(row.engine_json) as { name: TrainerJob['earlierEngine'] }).name;
}

function earlierBaselines(row: RunRow): TrainerJob['earlierBaselines'] {
  const baselines = JSON.parse(row.baselines_json) as Baselines;
  return Object.keys(baselines).length === 0 ? null : baselines;
}

/** Changes of progress reach the list of runs this often. */
const PROGRESS_INTERVAL_MS = 500;

export class RunService {
  readonly bus = new RunBus();
  private readonly options: RunServiceOptions;
  private readonly home: Home;
  private readonly live = new Map<string, LiveRun>();
  private readonly queue: Waiting[] = [];
  private readonly lastProgressMs = new Map<string, { atMs: number; state: string }>();
  private isClosing = false;

  constructor(options: RunServiceOptions) {
    this.options = options;
    this.home = options.home;
    if (options.home.access === 'owner') this.recover();
  }

  /** Runs that were alive when the last owner ended without a word. */
  private recover(): void {
    const { db } = this.home;
    const reasons = { queued: 'Nextvec ended before it began.', other: 'Nextvec ended while it was training.' };
    for (const row of listRunsWithStatus(db, ['queued', 'starting', 'running', 'paused'])) {
      const reason = row.status === 'queued' ? reasons.queued : reasons.other;
      db.transaction(() => {
        endAttempts(db, row.id, Date.now());
        updateRun(db, row.id, { status: 'interrupted', reason, ended_at_ms: row.ended_at_ms ?? Date.now() });
        insertLog(db, row.id, { at: Date.now(), level: 'warning', message: reason });
      }).immediate();
    }
  }

  /** A line for the log of every run that is alive: what befalls the machine they train on. */
  noteToLive(level: LogLine['level'], message: string): void {
    for (const run of this.live.values()) if (!run.isOver) run.log(level, message);
  }

  /** Training or queued; a paused run is saved and waits for nobody. */
  activeRuns(): number {
    return this.queue.length + [...this.live.values()].filter((run) => !run.isOver && run.status !== 'paused').length;
  }

  /** A run that trains, waits or is paused needs the files of this data set. */
  isUsing(datasetId: string): boolean {
    const ids = [...this.live.keys(), ...this.queue.map(({ runId }) => runId)];
    return ids.some((id) => {
      const { dataset_id, ood_id } = this.row(id);
      return dataset_id === datasetId || ood_id === datasetId;
    });
  }

  list(): RunSummary[] {
    const valCosines = listValCosines(this.home.db, null);
    return listRuns(this.home.db).map((row) => this.summary(row, valCosines.get(row.id) ?? []));
  }

  get(handle: string): RunDetail {
    const { db } = this.home;
    const row = this.row(handle);
    this.live.get(row.id)?.flush();
    const recipe = readRecipe(row.recipe_json);
    const run = this.summarise(row.id);
    return {
      run,
      epochs: listEpochs(db, row.id),
      epochsStatedBy: run.imported?.file ?? null,
      gates: listGates(db, row.id),
      log: listLog(db, row.id),
      commandLine: commandLine(recipe, this.files(row)),
    };
  }

  row(handle: string): RunRow {
    const row = findRunByHandle(this.home.db, handle);
    if (row !== null) return row;
    throw new NextvecError('NOT_FOUND', `There is no run "${handle}".`, {
      remedy: 'List the runs to see their numbers and ids.',
      details: { place: handle },
    });
  }

  /** Paths a command line of this run names: the files it was imported from, else the names it had. */
  files(row: RunRow): { data: string; ood: string | null } {
    const word = (id: string | null): string | null => {
      const dataset = id === null ? null : findDataset(this.home.db, id);
      return dataset && dataWord(dataset);
    };
    return { data: word(row.dataset_id) ?? row.dataset_name, ood: word(row.ood_id) ?? row.ood_name };
  }

  series(query: SeriesQuery): Series {
    const row = this.row(query.runId);
    this.live.get(row.id)?.flush();
    return readSeries(this.home.db, { ...query, runId: row.id });
  }

  /** `run` first, then steps the series do not hold yet, then everything as it happens. */
  async *watch(handle: string, signal: AbortSignal): AsyncGenerator<RunEvent> {
    const { id } = this.row(handle);
    const events = this.bus.events(id, signal);
    yield { type: 'run', run: this.summarise(id) };
    yield* this.live.get(id)?.unflushed() ?? [];
    yield* events;
  }

  start(recipe: Recipe, name: string | null, tags: readonly string[], extent: TrainingExtent = WHOLE): string {
    const dataset = this.dataset(recipe.dataset);
    const ood = recipe.ood === null ? null : this.dataset(recipe.ood);
    checkRecipe(recipe, dataset, ood);
    const started = { ...recipe, ...this.sourceFields(recipe) };
    const id = randomBytes(6).toString('hex');
    insertRun(this.home.db, {
      id,
      name,
      recipe: started,
      datasetName: dataset.name,
      oodName: ood?.name ?? null,
      tags,
      appVersion: this.options.appVersion,
      createdAt: Date.now(),
    });
    this.enqueue({ runId: id, resume: false, ...extent });
    return id;
  }

  async pause(handle: string): Promise<RunSummary> {
    const row = this.row(handle);
    const live = this.live.get(row.id);
    if (live?.status !== 'running') throw this.conflict(row, 'only a run that is training can be paused');
    await live.pause('');
    return this.summarise(row.id);
  }

  resume(handle: string, extent: TrainingExtent = WHOLE): RunSummary {
    const row = this.row(handle);
    const live = this.live.get(row.id);
    const isWaiting = this.queue.some(({ runId }) => runId === row.id);
    if (live?.isOver === false && live.diskFull !== null) {
      throw new NextvecError('DISK_FULL', live.diskFull, {
        remedy: 'The run can be resumed a second after there is room.',
        details: { place: row.id },
      });
    }
    const isGone = live === undefined || live.isOver;
    const isResumable = isGone ? ['interrupted', 'stopped', 'failed'].includes(row.status) : live.status === 'paused';
    if (isWaiting || !isResumable)
      throw this.conflict(row, 'only a paused, stopped, failed or interrupted run goes on');
    if (isGone) this.requireTrainable(row);
    this.enqueue({ runId: row.id, resume: true, ...extent });
    return this.summarise(row.id);
  }

  async stop(handle: string, at: 'now' | 'epoch-end'): Promise<RunSummary> {
    const row = this.row(handle);
    const waiting = this.queue.findIndex(({ runId }) => runId === row.id);
    if (waiting >= 0) this.queue.splice(waiting, 1);
    const live = this.live.get(row.id);
    if (live !== undefined) await live.stop(at, 'Stopped on request.');
    else if (waiting >= 0)
      this.change(row.id, { status: 'stopped', reason: 'Stopped before it began.', ended_at_ms: Date.now() });
    else throw this.conflict(row, 'only a run that is queued, training or paused can be stopped');
    return this.summarise(row.id);
  }

  annotate(handle: string, changes: { name?: string; notes?: string; tags?: readonly string[] }): RunSummary {
    const { id } = this.row(handle);
    const columns: RunChanges = {};
    if (changes.name !== undefined) Object.assign(columns, { name: changes.name });
    if (changes.notes !== undefined) Object.assign(columns, { notes: changes.notes });
    if (changes.tags !== undefined) Object.assign(columns, { tags_json: JSON.stringify(changes.tags) });
    this.change(id, columns);
    return this.summarise(id);
  }

  /** Deletes a run with its files; the bytes the disk got back. */
  async delete(handle: string): Promise<number> {
    const row = this.row(handle);
    const live = this.live.get(row.id);
    if (live?.isOver) await live.gone();
    if (this.live.has(row.id) || this.queue.some(({ runId }) => runId === row.id)) {
      throw this.conflict(row, 'it is in use; stop it first');
    }
    deleteRun(this.home.db, row.id);
    this.bus.publishChange({ type: 'deleted', runId: row.id });
    const files = await removeFolder(this.home.runFolder(row.id));
    return files + shrink(this.home.db);
  }

  /** Saves and ends everything that is alive; runs go on from there when asked. */
  async close(): Promise<void> {
    this.isClosing = true;
    const reason = 'The app was closed.';
    for (const { runId } of this.queue.splice(0)) {
      if (!this.live.has(runId)) this.change(runId, { status: 'interrupted', reason, ended_at_ms: Date.now() });
    }
    await Promise.all([...this.live.values()].map((run) => run.shutDown(reason)));
  }

  /** A run that was written into the history as a whole. */
  announceImported(runId: string): void {
    this.announce(runId);
  }

  /** The weights file a new run of this recipe starts from; null: none. */
  initFile({ initFrom }: Pick<Recipe, 'initFrom'>): string | null {
    if (initFrom === null) return null;
    const source = findRunByHandle(this.home.db, initFrom);
    if (source === null) {
      if (existsSync(initFrom)) return resolve(initFrom);
      throw new NextvecError('NOT_FOUND', `There is neither a run nor a file "${initFrom}" to start from.`, {
        remedy: 'Name a run of the history, or a safetensors, .pt or .npz file of weights.',
        details: { place: 'initFrom' },
      });
    }
    const checkpoints = listCheckpoints(this.home.db, source.id);
    const checkpoint = checkpoints.find(({ kind }) => kind === 'best') ?? checkpoints[0];
    if (checkpoint) return join(this.home.runFolder(source.id), checkpoint.folder, MODEL_FILE);
    throw new NextvecError('NOT_FOUND', `Run ${source.number} has no checkpoint to start from yet.`, {
      remedy: 'Start from it once its first checkpoint is written.',
      details: { place: 'initFrom' },
    });
  }

  private dataset(id: string): Dataset {
    const dataset = findDataset(this.home.db, id);
    if (dataset !== null) return dataset;
    throw new NextvecError('NOT_FOUND', `There is no data set "${id}".`, {
      remedy: 'Import its file in Data sets and choose it again.',
      details: { place: id },
    });
  }

  /** A run by its id, which never changes, and with its sizes unless others are asked for; a file by its whole path. */
  private sourceFields({ initFrom, modelType, sizes }: Recipe): Pick<Recipe, 'initFrom' | 'sizes'> {
    const file = this.initFile({ initFrom });
    const source = initFrom === null ? null : findRunByHandle(this.home.db, initFrom);
    if (source === null) return { initFrom: file, sizes };
    const theirs = readRecipe(source.recipe_json);
    return { initFrom: source.id, sizes: sizes ?? (theirs.modelType === modelType ? theirs.sizes : null) };
  }

  /** Throws when a data set is gone or the recipe asks for what this version does not have. */
  private requireTrainable(row: RunRow): void {
    const recipe = readRecipe(row.recipe_json);
    checkRecipe(recipe, this.dataset(recipe.dataset), recipe.ood === null ? null : this.dataset(recipe.ood));
  }

  private conflict(row: RunRow, why: string): NextvecError {
    return new NextvecError('CONFLICT', `Run ${row.number} is ${row.status}: ${why}.`, {
      remedy: 'Look at the state of the run and choose what fits it.',
      details: { place: row.id },
    });
  }

  private change(runId: string, changes: RunChanges): void {
    updateRun(this.home.db, runId, changes);
    this.announce(runId);
  }

  private summarise(runId: string): RunSummary {
    return this.summary(this.row(runId), listValCosines(this.home.db, runId).get(runId) ?? []);
  }

  private summary(row: RunRow, valCosines: readonly (number | null)[]): RunSummary {
    const live = this.live.get(row.id);
    const etaMs = hasEnded(row.status) ? null : (live?.etaMs ?? null);
    const reason = live?.isOver === false ? live.diskFull : null;
    return summarise(reason === null ? row : { ...row, status: 'paused', reason }, valCosines, etaMs);
  }

  private announce(runId: string): void {
    const run = this.summarise(runId);
    this.bus.publishChange({ type: 'changed', run });
    this.bus.publishEvent(runId, { type: 'run', run });
  }

  /** Every change of state at once, mere progress twice a second. */
  private announceProgress(runId: string): void {
    const live = this.live.get(runId);
    const row = this.row(runId);
    const state = `${live?.diskFull ?? row.status} ${row.best_json} ${row.engine_json} ${row.baselines_json}`;
    const last = this.lastProgressMs.get(runId);
    const now = performance.now();
    if (live && last?.state === state && now - last.atMs < PROGRESS_INTERVAL_MS) return;
    this.lastProgressMs.set(runId, { atMs: now, state });
    this.announce(runId);
  }

  private enqueue(waiting: Waiting): void {
    this.queue.push(waiting);
    this.change(waiting.runId, { status: 'queued', reason: '', ended_at_ms: null });
    this.pump();
  }

  /** Lets the next run in when none is training. */
  private pump(): void {
    if (this.isClosing || [...this.live.values()].some((run) => run.isOver || run.status !== 'paused')) return;
    const next = this.queue.shift();
    if (next === undefined) return;
    const paused = this.live.get(next.runId);
    if (paused === undefined) this.launch(next);
    // One that dies over it is told by its exit.
    else paused.resume().catch(() => undefined);
  }

  /** A run that goes on has its own weights; what it once started from may be gone. */
  private sourceOf(row: RunRow, recipe: Recipe): string | null {
    return listCheckpoints(this.home.db, row.id).length > 0 ? null : this.initFile(recipe);
  }

  private launch({ runId, resume, stopAfterEpoch }: Waiting): void {
    const row = this.row(runId);
    const recipe = readRecipe(row.recipe_json);
    const run = new LiveRun({
      db: this.home.db,
      job: {
        runId,
        recipe,
        datasetFolder: this.home.datasetFolder(recipe.dataset),
        oodFolder: recipe.ood === null ? null : this.home.datasetFolder(recipe.ood),
        runFolder: this.home.runFolder(runId),
        resourcesDir: this.options.resourcesDir,
        dataWorker: this.options.dataWorker,
        initFile: this.sourceOf(row, recipe),
        resume,
        earlierEngine: earlierEngine(row),
        earlierBaselines: earlierBaselines(row),
        checkpointEveryMs: this.options.checkpointEveryMs,
        keepEveryEpochs: currentSettings(this.home.db).keepEveryEpochs,
        stopAfterEpoch,
      },
      spawnTrainer: this.options.spawnTrainer,
      durationBeforeMs: row.duration_ms,
      heartbeatMs: this.options.heartbeatMs,
      announce: (event) => {
        this.bus.publishEvent(runId, event);
        if (event.type === 'gate' && !event.passed) {
          this.bus.publishChange({ type: 'gate', run: this.summarise(runId), result: event });
        }
      },
      onChange: () => {
        this.announceProgress(runId);
        queueMicrotask(() => this.pump());
      },
      onEnd: () => {
        this.live.delete(runId);
        this.lastProgressMs.delete(runId);
        this.announce(runId);
        this.pump();
      },
    });
    this.live.set(runId, run);
  }
}
