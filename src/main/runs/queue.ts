/**
 * Which run trains now. One at a time; a paused run keeps its trainer process and lets the next one in. Not here: what a
 * trainer reports (`live-run.ts`), and whether a run may be started or resumed (`service.ts`).
 */
import type { RunEvent } from '#shared/contract/runs.ts';
import type { InitFile, TrainerJob } from '#shared/contract/trainer.ts';
import { onEngine, type EngineChoice, type Recipe } from '#shared/domain/recipe/recipe.ts';
import type { Baselines } from '#shared/domain/runs/training.ts';
import { cosineSums } from '../store/cosine-sums.ts';
import { listCheckpoints, weightHashes } from '../store/history.ts';
import type { Home } from '../store/home.ts';
import { requireRun, updateRun, type RunChanges, type RunRow } from '../store/runs.ts';
import { currentSettings } from '../store/settings.ts';
import { readRecipe } from '../store/stored-json.ts';
import type { SpawnTrainer } from '../processes/trainer-process.ts';
import type { RunBus } from './bus.ts';
import { LiveRun } from './live-run.ts';
import { partRuns } from './parts.ts';
import { initFile } from './start-weights.ts';
import type { RunSummaries } from './summaries.ts';

export interface RunQueueOptions {
  readonly home: Home;
  readonly resourcesDir: string;
  /** Program file of the data worker. */
  readonly dataWorker: string;
  readonly spawnTrainer: SpawnTrainer;
  readonly checkpointEveryMs: number;
  readonly heartbeatMs?: number;
}

export interface QueuedRun {
  readonly runId: string;
  /** Go on from a checkpoint rather than begin. */
  readonly resume: boolean;
  /** End, resumable, after this epoch; null: the recipe's last. */
  readonly stopAfterEpoch: number | null;
  /** Instead of the recipe's. */
  readonly engine?: EngineChoice;
}

export class RunQueue {
  private readonly options: RunQueueOptions;
  private readonly home: Home;
  private readonly bus: RunBus;
  private readonly summaries: RunSummaries;
  private readonly live: Map<string, LiveRun>;
  private readonly waiting: QueuedRun[] = [];
  private isClosing = false;

  /** `live`: the runs with a trainer process, kept by this queue. */
  constructor(options: RunQueueOptions, bus: RunBus, summaries: RunSummaries, live: Map<string, LiveRun>) {
    this.options = options;
    this.home = options.home;
    this.bus = bus;
    this.summaries = summaries;
    this.live = live;
  }

  /** Ids of the runs that wait or have a trainer process. */
  ids(): string[] {
    return [...this.live.keys(), ...this.waiting.map(({ runId }) => runId)];
  }

  isWaiting(runId: string): boolean {
    return this.waiting.some((run) => run.runId === runId);
  }

  /** Runs that wait or train; a paused one is saved and does not count. */
  activeCount(): number {
    return this.waiting.length + [...this.live.values()].filter((run) => !run.isOver && run.status !== 'paused').length;
  }

  add(run: QueuedRun): void {
    this.waiting.push(run);
    this.change(run.runId, { status: 'queued', reason: '', ended_at_ms: null });
    this.startNext();
  }

  /** Takes a run out of the queue; false when it was not waiting. */
  remove(runId: string): boolean {
    const at = this.waiting.findIndex((run) => run.runId === runId);
    if (at >= 0) this.waiting.splice(at, 1);
    return at >= 0;
  }

  /** Saves and ends every live run, and marks the waiting ones interrupted. */
  async close(reason: string): Promise<void> {
    this.isClosing = true;
    for (const { runId } of this.waiting.splice(0)) {
      if (!this.live.has(runId)) this.change(runId, { status: 'interrupted', reason, ended_at_ms: Date.now() });
    }
    await Promise.all([...this.live.values()].map((run) => run.shutDown(reason)));
  }

  private change(runId: string, changes: RunChanges): void {
    updateRun(this.home.db, runId, changes);
    this.summaries.announce(runId);
  }

  /** Starts or resumes the next waiting run when none is training. */
  private startNext(): void {
    if (this.isClosing || [...this.live.values()].some((run) => run.isOver || run.status !== 'paused')) return;
    const next = this.waiting.shift();
    if (next === undefined) return;
    const paused = this.live.get(next.runId);
    if (paused === undefined) this.launch(next);
    // A trainer that dies on resume is handled when its exit is seen.
    else paused.resume().catch(() => undefined);
  }

  private launch(queued: QueuedRun): void {
    const { runId } = queued;
    const row = requireRun(this.home.db, runId);
    const run = new LiveRun({
      db: this.home.db,
      job: this.jobOf(row, queued),
      spawnTrainer: this.options.spawnTrainer,
      durationBeforeMs: row.duration_ms,
      heartbeatMs: this.options.heartbeatMs,
      announce: (event) => this.publish(runId, event),
      onChange: () => {
        this.summaries.announceProgress(runId);
        queueMicrotask(() => this.startNext());
      },
      onEnd: () => {
        this.live.delete(runId);
        this.summaries.announceEnd(runId);
        this.startNext();
      },
    });
    this.live.set(runId, run);
  }

  private publish(runId: string, event: RunEvent): void {
    this.bus.publishEvent(runId, event);
    if (event.type === 'gate' && !event.passed) {
      this.bus.publishChange({ type: 'gate', run: this.summaries.of(runId), result: event });
    }
  }

  private jobOf(row: RunRow, { resume, stopAfterEpoch, engine }: QueuedRun): TrainerJob {
    const { home, options } = this;
    const recipe = onEngine(readRecipe(row.recipe_json), engine);
    return {
      runId: row.id,
      weightHashes: weightHashes(home.db, row.id),
      recipe,
      datasetFolder: home.datasetFolder(recipe.dataset),
      oodFolder: recipe.ood === null ? null : home.datasetFolder(recipe.ood),
      runFolder: home.runFolder(row.id),
      resourcesDir: options.resourcesDir,
      dataWorker: options.dataWorker,
      initFile: sourceOf(home, row, recipe),
      parts: partRuns(home, recipe),
      resume,
      earlierEngine: earlierEngine(row),
      earlierBaselines: earlierBaselines(row),
      earlierSums: cosineSums(home.db, row.id),
      checkpointEveryMs: options.checkpointEveryMs,
      keepEveryEpochs: currentSettings(home.db).keepEveryEpochs,
      stopAfterEpoch,
    };
  }
}

/** null for a run with checkpoints: it has its own weights, and what it once started from may be gone. */
function sourceOf(home: Home, row: RunRow, recipe: Recipe): InitFile | null {
  return listCheckpoints(home.db, row.id).length > 0 ? null : initFile(home, recipe);
}

function earlierEngine(row: RunRow): TrainerJob['earlierEngine'] {
  if (row.engine_json === null) return null;
  return (JSON.parse(row.engine_json) as { name: TrainerJob['earlierEngine'] }).name;
}

function earlierBaselines(row: RunRow): TrainerJob['earlierBaselines'] {
  const baselines = JSON.parse(row.baselines_json) as Baselines;
  return Object.keys(baselines).length === 0 ? null : baselines;
}
