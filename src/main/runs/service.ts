/**
 * Runs as service calls: start, steer, annotate, delete and read. Not here: which run trains now (`queue.ts`), what a
 * trainer reports (`live-run.ts`), preflight and exports.
 */
import { randomBytes } from 'node:crypto';
import { commandLine, dataWord } from '#shared/domain/recipe/command-line.ts';
import { NextvecError } from '#shared/domain/errors.ts';
import { onEngine, type EngineChoice, type Recipe } from '#shared/domain/recipe/recipe.ts';
import type { Cluster, ClusterCheck } from '#shared/domain/runs/clusters.ts';
import type { LogLine, RunDetail, RunEvent, RunSummary, Series } from '#shared/contract/runs.ts';
import { shrink } from '../store/database.ts';
import { findDataset } from '../store/datasets.ts';
import { listEvaluations } from '../store/evaluations.ts';
import { listEpochs, listGates, listLog } from '../store/history.ts';
import type { Home } from '../store/home.ts';
import { deleteFreeingSpace, keepReserve } from '../store/reserve.ts';
import {
  deleteRun,
  findUnfinishedMixtureOf,
  insertRun,
  listRunsWithStatus,
  placeOf,
  requireRun,
  updateRun,
  type RunChanges,
  type RunRow,
} from '../store/runs.ts';
import { readSeries, type SeriesQuery } from '../store/series.ts';
import { readRecipe } from '../store/stored-json.ts';
import { RunBus } from './bus.ts';
import type { LiveRun } from './live/live-run.ts';
import { RunQueue, type RunQueueOptions } from './queue.ts';
import { partIds } from './parts.ts';
import { checkedSets } from './recipe-check.ts';
import type { Clusters } from './ray/clusters.ts';
import { recoverRuns } from './recover.ts';
import { removeRunFolder } from './tidy.ts';
import { sourceFields } from './start-weights.ts';
import { RunSummaries } from './summaries.ts';

export interface RunServiceOptions extends RunQueueOptions {
  readonly appVersion: string;
}

export interface TrainingExtent {
  /** Ends, resumable, after this epoch; null: the recipe's last. */
  readonly stopAfterEpoch: number | null;
}

export interface StartOptions extends Partial<TrainingExtent> {
  /** Address of the cluster it trains on; null: here. */
  readonly on?: string | null;
}

export interface ResumeOptions extends Partial<TrainingExtent> {
  /** Instead of the recipe's. */
  readonly engine?: EngineChoice;
}

export class RunService {
  readonly bus = new RunBus();
  private readonly home: Home;
  private readonly appVersion: string;
  private readonly live = new Map<string, LiveRun>();
  private readonly summaries: RunSummaries;
  private readonly queue: RunQueue;
  private readonly clusters: Clusters;

  constructor(options: RunServiceOptions) {
    this.home = options.home;
    this.appVersion = options.appVersion;
    this.summaries = new RunSummaries(options.home.db, this.bus, this.live);
    this.queue = new RunQueue(options, this.bus, this.summaries, this.live);
    this.clusters = options.clusters;
    if (options.home.access === 'owner') recoverRuns(options.home.db);
  }

  /** Follows the jobs on clusters that an earlier life of this program has left. */
  followJobs(): void {
    for (const { id } of listRunsWithStatus(this.home.db, ['queued', 'starting', 'running', 'paused'])) {
      if (!this.queue.ids().includes(id)) this.queue.add({ runId: id, resume: true, stopAfterEpoch: null });
    }
  }

  /** Throws what is wrong with the cluster. */
  checkCluster(cluster: Cluster): Promise<ClusterCheck> {
    return this.clusters.check(cluster);
  }

  /** Adds a line to the log of every live run: events of the machine they train on. */
  noteToLive(level: LogLine['level'], message: string): void {
    for (const run of this.live.values()) if (!run.isOver) run.journal.log(level, message);
  }

  /** Runs that train or wait; a paused run is saved and does not count. */
  activeRuns(): number {
    return this.queue.activeCount();
  }

  /** Runs that can be out at once, here (null) or on a cluster. */
  places(on: string | null): number {
    return this.queue.places(on);
  }

  /** Whether a run was asked to stop and is still being saved; it can be resumed in a moment. */
  isStopping(runId: string): boolean {
    const live = this.live.get(runId);
    return live !== undefined && live.isStopping && !live.isOver;
  }

  /** Whether a run that trains, waits or is paused needs the files of this data set. */
  isUsing(datasetId: string): boolean {
    return this.queue.ids().some((id) => {
      const { dataset_id, ood_id } = this.row(id);
      return dataset_id === datasetId || ood_id === datasetId;
    });
  }

  list(): RunSummary[] {
    return this.summaries.list();
  }

  get(handle: string): RunDetail {
    const { db } = this.home;
    const row = this.row(handle);
    this.live.get(row.id)?.journal.flush();
    const recipe = readRecipe(row.recipe_json);
    const run = this.summaries.of(row.id);
    const damaged: string[] = [];
    const epochs = listEpochs(db, row.id, damaged);
    const gates = listGates(db, row.id, damaged);
    listEvaluations(db, row.id, damaged);
    const at = row.ended_at_ms ?? Date.now();
    return {
      run,
      epochs,
      epochsStatedBy: run.imported?.file ?? null,
      gates,
      log: [...listLog(db, row.id), ...damaged.map((message) => ({ at, level: 'error' as const, message }))],
      commandLine: commandLine(recipe, this.files(row)),
    };
  }

  /** Points of the step series, live steps included. */
  series(query: SeriesQuery): Series {
    const row = this.row(query.runId);
    this.live.get(row.id)?.journal.flush();
    return readSeries(this.home.db, { ...query, runId: row.id });
  }

  /** `run` first, then steps the series do not hold yet, then every event as it happens. */
  async *watch(handle: string, signal: AbortSignal): AsyncGenerator<RunEvent> {
    const { id } = this.row(handle);
    const events = this.bus.events(id, signal);
    yield { type: 'run', run: this.summaries.of(id) };
    yield* this.live.get(id)?.journal.unflushed() ?? [];
    yield* events;
  }

  /** Queues a new run and returns its id. */
  start(recipe: Recipe, name: string | null, tags: readonly string[], options: StartOptions = {}): string {
    const { db } = this.home;
    const { on = null, stopAfterEpoch = null } = options;
    if (on !== null) this.clusters.require(on);
    const { dataset, ood } = checkedSets(db, recipe);
    const id = randomBytes(6).toString('hex');
    insertRun(db, {
      id,
      name,
      recipe: { ...recipe, ...sourceFields(this.home, recipe), parts: partIds(this.home, recipe) },
      datasetName: dataset.name,
      oodName: ood?.name ?? null,
      tags,
      appVersion: this.appVersion,
      createdAt: Date.now(),
      place: on === null ? null : { address: on, attempt: 0, read: 0 },
    });
    this.queue.add({ runId: id, resume: false, stopAfterEpoch });
    return id;
  }

  async pause(handle: string): Promise<RunSummary> {
    const row = this.row(handle);
    const live = this.live.get(row.id);
    if (live?.status !== 'running') throw conflict(row, 'only a run that is training can be paused');
    await live.pause('');
    return this.summaries.of(row.id);
  }

  resume(handle: string, { stopAfterEpoch = null, engine }: ResumeOptions = {}): RunSummary {
    const row = this.row(handle);
    const live = this.live.get(row.id);
    if (live?.isOver === false && live.journal.diskFull !== null) {
      throw new NextvecError('DISK_FULL', live.journal.diskFull, {
        remedy: 'The run can be resumed a second after there is room.',
        details: { place: row.id },
      });
    }
    const isGone = live === undefined || live.isOver;
    const isResumable = isGone
      ? ['interrupted', 'stopped', 'failed'].includes(row.status) || placeOf(row) !== null
      : live.status === 'paused';
    if (this.queue.isWaiting(row.id) || !isResumable)
      throw conflict(row, 'only a paused, stopped, failed or interrupted run goes on');
    if (isGone) this.requireTrainable(row, engine);
    else if (engine !== undefined)
      throw conflict(row, 'a paused run keeps its engine; stop it, then resume it on another one');
    this.queue.add({ runId: row.id, resume: true, stopAfterEpoch, engine });
    return this.summaries.of(row.id);
  }

  async stop(handle: string, at: 'now' | 'epoch-end'): Promise<RunSummary> {
    const row = this.row(handle);
    const wasWaiting = this.queue.remove(row.id);
    const live = this.live.get(row.id);
    if (live !== undefined) await live.stop(at, 'Stopped on request.');
    else if (wasWaiting)
      this.change(row.id, { status: 'stopped', reason: 'Stopped before it began.', ended_at_ms: Date.now() });
    else throw conflict(row, 'only a run that is queued, training or paused can be stopped');
    return this.summaries.of(row.id);
  }

  annotate(handle: string, changes: { name?: string; notes?: string; tags?: readonly string[] }): RunSummary {
    const { id } = this.row(handle);
    const columns: RunChanges = {};
    if (changes.name !== undefined) Object.assign(columns, { name: changes.name });
    if (changes.notes !== undefined) Object.assign(columns, { notes: changes.notes });
    if (changes.tags !== undefined) Object.assign(columns, { tags_json: JSON.stringify(changes.tags) });
    this.change(id, columns);
    return this.summaries.of(id);
  }

  /** Deletes a run with its files; returns the bytes freed on disk. */
  async delete(handle: string): Promise<number> {
    const row = this.row(handle);
    const live = this.live.get(row.id);
    if (live?.isOver) await live.gone();
    if (this.queue.ids().includes(row.id)) throw conflict(row, 'it is in use; stop it first');
    const mixture = findUnfinishedMixtureOf(this.home.db, row.id);
    if (mixture !== null) {
      const why = `it is a part of run #${mixture.number}, which has not finished; let that finish or delete it first`;
      throw conflict(row, why);
    }
    const freed = await deleteFreeingSpace(
      this.home.path,
      () => deleteRun(this.home.db, row.id),
      () => removeRunFolder(this.home, row.id),
    );
    const place = placeOf(row);
    if (place !== null) await this.clusters.removeFiles(place, row.id);
    this.bus.publishChange({ type: 'deleted', runId: row.id });
    const shrunk = shrink(this.home.db);
    keepReserve(this.home.path);
    return freed + shrunk;
  }

  /** Saves and ends everything that is alive; such runs can be resumed. */
  async close(): Promise<void> {
    await this.queue.close('The app was closed.');
  }

  /** Tells watchers of a run that was written into the history as a whole. */
  announceImported(runId: string): void {
    this.summaries.announce(runId);
  }

  private row(handle: string): RunRow {
    return requireRun(this.home.db, handle);
  }

  /** The data files a command line of this run names: where they were imported from, else the names they had. */
  private files(row: RunRow): { data: string; ood: string | null } {
    const word = (id: string | null): string | null => {
      const dataset = id === null ? null : findDataset(this.home.db, id);
      return dataset && dataWord(dataset);
    };
    return { data: word(row.dataset_id) ?? row.dataset_name, ood: word(row.ood_id) ?? row.ood_name };
  }

  /** Throws when a data set is gone or the recipe asks for something this version does not have. */
  private requireTrainable(row: RunRow, engine?: EngineChoice): void {
    const recipe = onEngine(readRecipe(row.recipe_json), engine);
    partIds(this.home, recipe);
    checkedSets(this.home.db, recipe);
  }

  private change(runId: string, changes: RunChanges): void {
    updateRun(this.home.db, runId, changes);
    this.summaries.announce(runId);
  }
}

function conflict(row: RunRow, why: string): NextvecError {
  const state = row.imported_json === null ? `is ${row.status}` : 'was imported';
  return new NextvecError('CONFLICT', `Run ${row.number} ${state}: ${why}.`, {
    remedy: 'Look at the state of the run and choose what fits it.',
    details: { place: row.id },
  });
}
