/**
 * Which runs train now: here those at the head of the queue, as many as fit beside each other (`sharing.ts`); on a cluster
 * as many as Settings allow it. A paused run keeps its trainer process and lets the next one in. Not here: how many threads
 * each has (`thread-shares.ts`), what a trainer reports (`live-run.ts`), and whether a run may be started or resumed (`service.ts`).
 */
import type { RunEvent } from '#shared/contract/runs.ts';
import { toErrorData } from '#shared/domain/errors.ts';
import type { EngineChoice } from '#shared/domain/recipe/recipe.ts';
import type { Parallel, Sharing } from '#shared/domain/runs/sharing.ts';
import type { Home } from '../store/home.ts';
import { hasJob, placeOf, requireRun, updateRun, type RunChanges } from '../store/runs.ts';
import type { SpawnTrainer } from '../processes/trainer-process.ts';
import type { RunBus } from './bus.ts';
import { demandOf } from './resources/demand.ts';
import { LiveRun } from './live/live-run.ts';
import type { Clusters } from './ray/clusters.ts';
import { SharingChoice } from './resources/sharing-choice.ts';
import { fits, type Demand, type Machine } from './resources/sharing.ts';
import type { RunSummaries } from './summaries.ts';
import { ThreadShares } from './resources/thread-shares.ts';
import { TrainerConnection } from './live/trainer-connection.ts';
import { trainerJob } from './live/trainer-job.ts';

export interface RunQueueOptions {
  readonly home: Home;
  readonly resourcesDir: string;
  /** Program file of the data worker. */
  readonly dataWorker: string;
  readonly spawnTrainer: SpawnTrainer;
  readonly checkpointEveryMs: number;
  readonly heartbeatMs?: number;
  readonly machine: Machine;
  readonly clusters: Clusters;
  /** Runs at once, as it is set now. */
  readonly parallel: () => Parallel;
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

interface WaitingRun extends QueuedRun {
  /** Address of the cluster it trains on; null: here. */
  readonly on: string | null;
}

interface EnteringRun extends WaitingRun {
  readonly demand: Demand;
}

export class RunQueue {
  private readonly options: RunQueueOptions;
  private readonly home: Home;
  private readonly bus: RunBus;
  private readonly summaries: RunSummaries;
  private readonly live: Map<string, LiveRun>;
  private readonly waiting: WaitingRun[] = [];
  private readonly choice: SharingChoice;
  /** How the runs that train share the machine; null: none trains. */
  private sharing: Sharing | null = null;
  private isChoosing = false;
  private readonly threads: ThreadShares;
  private isClosing = false;

  /** `live`: the runs with a trainer process, kept by this queue. */
  constructor(options: RunQueueOptions, bus: RunBus, summaries: RunSummaries, live: Map<string, LiveRun>) {
    this.options = options;
    this.home = options.home;
    this.bus = bus;
    this.summaries = summaries;
    this.live = live;
    this.choice = new SharingChoice(options);
    this.threads = new ThreadShares(options.machine.cores, () => this.training());
  }

  /** Ids of the runs that wait or have a trainer process. */
  ids(): string[] {
    return [...this.live.keys(), ...this.waiting.map(({ runId }) => runId)];
  }

  isWaiting(runId: string): boolean {
    return this.waiting.some((run) => run.runId === runId);
  }

  /** Runs that wait or train here; a paused one is saved and does not count, one on a cluster goes on without this program. */
  activeCount(): number {
    return this.waitingHere().length + this.training().filter((run) => !run.isOver).length;
  }

  add(run: QueuedRun): void {
    const on = placeOf(requireRun(this.home.db, run.runId))?.address ?? null;
    this.waiting.push({ ...run, on });
    this.change(run.runId, { status: 'queued', reason: '', ended_at_ms: null });
    this.look();
  }

  /** Takes a run out of the queue; false when it was not waiting. */
  remove(runId: string): boolean {
    const at = this.waiting.findIndex((run) => run.runId === runId);
    if (at >= 0) this.waiting.splice(at, 1);
    return at >= 0;
  }

  /** Runs that can be out at once, here or on a cluster: those that train, or would train if that many waited. */
  places(on: string | null): number {
    if (on !== null) return this.options.clusters.find(on)?.jobs ?? 1;
    const parallel = this.options.parallel();
    return parallel === 'auto' ? (this.sharing?.most ?? this.options.machine.cores) : parallel;
  }

  /** Saves and ends every live run, and marks the waiting ones interrupted. */
  async close(reason: string): Promise<void> {
    this.isClosing = true;
    this.choice.close();
    this.threads.close();
    for (const { runId } of this.waiting.splice(0)) {
      // One with a job waits to be followed again.
      if (this.live.has(runId) || hasJob(requireRun(this.home.db, runId))) continue;
      this.change(runId, { status: 'interrupted', reason, ended_at_ms: Date.now() });
    }
    await Promise.all([...this.live.values()].map((run) => run.shutDown(reason)));
  }

  private waitingHere(): WaitingRun[] {
    return this.waiting.filter(({ on }) => on === null);
  }

  private change(runId: string, changes: RunChanges): void {
    updateRun(this.home.db, runId, changes);
    this.summaries.announce(runId);
  }

  /** Looks for runs to start once the caller has added all of its runs. */
  private look(): void {
    queueMicrotask(() => this.startNext());
  }

  /** The runs with a trainer process of this machine. */
  private here(): LiveRun[] {
    return [...this.live.values()].filter((run) => run.on === null);
  }

  /** The runs that train here, with those whose process is leaving. */
  private training(): LiveRun[] {
    return this.here().filter((run) => run.isTraining);
  }

  /** Starts or resumes waiting runs in their order, as long as the next fits beside those that train. */
  private startNext(): void {
    if (this.isClosing) return;
    this.sendAway();
    if (this.isChoosing) return;
    const training = this.training();
    this.sharing = this.sharingOf(training.length);
    if (this.sharing !== null) this.admit(training, this.sharing);
  }

  /** Sends waiting runs to their clusters, as many as each may have at once. */
  private sendAway(): void {
    for (const next of this.waiting.filter(({ on }) => on !== null)) {
      const known = this.live.get(next.runId);
      // Its last life has not ended yet.
      if (known?.isOver) continue;
      const out = [...this.live.values()].filter((run) => run.on === next.on && !run.isOver);
      if (known === undefined && out.length >= this.places(next.on)) continue;
      this.waiting.splice(this.waiting.indexOf(next), 1);
      const demand = known?.demand ?? demandOf(this.home, requireRun(this.home.db, next.runId), next.engine);
      this.enter({ ...next, demand }, known?.threads ?? this.options.clusters.find(next.on)?.cpus ?? 1);
    }
  }

  /** How runs share the machine from now on; null: nothing trains or waits, or it is being measured. */
  private sharingOf(training: number): Sharing | null {
    const parallel = this.options.parallel();
    const waiting = this.waitingHere().length;
    if (training === 0 && waiting === 0) return null;
    if (parallel !== 'auto') return { most: parallel, measured: [] };
    if (training > 0) return this.sharing;
    if (waiting === 1) return { most: 1, measured: [] };
    void this.measure();
    return null;
  }

  /** Measures how many of the waiting runs train best at once, then starts them. */
  private async measure(): Promise<void> {
    this.isChoosing = true;
    const waiting = this.waitingHere();
    const row = requireRun(this.home.db, waiting[0].runId);
    this.sharing = await this.choice.choose(row, demandOf(this.home, row), waiting.length);
    this.isChoosing = false;
    if (!this.isClosing) this.admit(this.training(), this.sharing);
  }

  /** Starts what fits and shares the threads out. */
  private admit(training: readonly LiveRun[], { most }: Sharing): void {
    const entering = this.takeFitting(training, most);
    const demands = entering.map(({ demand }) => demand);
    const threads = this.threads.make(training, demands);
    entering.forEach((run, i) => this.enter(run, threads[i]));
  }

  /** Takes runs out of the queue that fit beside the others, of `most` at once. */
  private takeFitting(training: readonly LiveRun[], most: number): EnteringRun[] {
    const entering: EnteringRun[] = [];
    const paused = this.here().filter((run) => !run.isTraining);
    for (const next of this.waitingHere()) {
      if (training.length + entering.length >= most) break;
      // Its last process has not left yet.
      if (this.live.get(next.runId)?.isOver) break;
      const demand =
        this.live.get(next.runId)?.demand ?? demandOf(this.home, requireRun(this.home.db, next.runId), next.engine);
      const rest = paused.filter(({ runId }) => ![next, ...entering].some((run) => run.runId === runId));
      const load = {
        training: [...training, ...entering].map((run) => run.demand),
        paused: rest.map((run) => run.demand),
      };
      if (!fits(demand, load, most, this.options.machine)) break;
      entering.push({ ...next, demand });
      this.waiting.splice(this.waiting.indexOf(next), 1);
    }
    return entering;
  }

  private enter(queued: EnteringRun, threads: number): void {
    const paused = this.live.get(queued.runId);
    if (paused !== undefined) {
      paused.setThreads(threads);
      // A trainer that dies on resume is handled when its exit is seen.
      paused.resume().catch(() => undefined);
      return;
    }
    try {
      this.launch(queued, threads);
    } catch (error) {
      const { message, remedy } = toErrorData(error);
      const reason = [message, remedy].filter(Boolean).join(' ');
      this.change(queued.runId, { status: 'failed', reason, ended_at_ms: Date.now() });
    }
  }

  private launch({ runId, resume, stopAfterEpoch, engine, demand }: EnteringRun, threads: number): void {
    const { home, options } = this;
    const row = requireRun(home.db, runId);
    const { resourcesDir, dataWorker, checkpointEveryMs } = options;
    const fields = { resourcesDir, dataWorker, checkpointEveryMs, resume, stopAfterEpoch, threads };
    const place = placeOf(row);
    const run = new LiveRun({
      db: home.db,
      job: trainerJob(home, row, fields, engine),
      demand,
      sharing: place === null ? this.recorded() : null,
      on: place?.address ?? null,
      connect: () =>
        place === null ? new TrainerConnection(options.spawnTrainer) : options.clusters.trainer(row, place, demand),
      durationBeforeMs: row.duration_ms,
      heartbeatMs: options.heartbeatMs,
      announce: (event) => this.publish(runId, event),
      onChange: () => {
        this.summaries.announceProgress(runId);
        this.look();
      },
      onEnd: () => {
        this.live.delete(runId);
        this.summaries.announceEnd(runId);
        this.look();
      },
    });
    this.live.set(runId, run);
  }

  /** What the record of a run says of it; null where nothing is shared and nothing was measured. */
  private recorded(): Sharing | null {
    const { most, measured } = this.sharing ?? { most: 1, measured: [] };
    return most > 1 || measured.length > 0 ? this.sharing : null;
  }

  private publish(runId: string, event: RunEvent): void {
    this.bus.publishEvent(runId, event);
    if (event.type === 'gate' && !event.passed) {
      this.bus.publishChange({ type: 'gate', run: this.summaries.of(runId), result: event });
    }
  }
}
