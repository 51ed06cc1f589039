/** Summaries of runs, with what only a live trainer knows, and their announcement to watchers. */
import { RunSummarySchema, type RunSummary } from '#shared/contract/runs.ts';
import { hasEnded } from '#shared/domain/runs/run-kinds.ts';
import { messageOf } from '#shared/domain/thrown.ts';
import type { Db } from '../store/database.ts';
import { listValCosines } from '../store/history.ts';
import { listRuns, requireRun, type RunRow } from '../store/runs.ts';
import type { RunBus } from './bus.ts';
import type { LiveRun } from './live/live-run.ts';
import { damagedRow, summarise } from './summary.ts';

/** Least time between two announcements of mere progress of one run. */
const PROGRESS_INTERVAL_MS = 500;

const JSON_COLUMNS = [
  'recipe_json',
  'engine_json',
  'split_proof_json',
  'baselines_json',
  'best_json',
  'tags_json',
  'imported_json',
  'place_json',
] as const satisfies readonly (keyof RunRow)[];

export class RunSummaries {
  private readonly db: Db;
  private readonly bus: RunBus;
  private readonly live: ReadonlyMap<string, LiveRun>;
  private readonly checked = new Map<string, { readonly key: string; readonly problem: string | null }>();
  private readonly announced = new Map<string, { atMs: number; state: string }>();

  constructor(db: Db, bus: RunBus, live: ReadonlyMap<string, LiveRun>) {
    this.db = db;
    this.bus = bus;
    this.live = live;
  }

  /** Of all runs, newest first. */
  list(): RunSummary[] {
    const valCosines = listValCosines(this.db, null);
    return listRuns(this.db).map((row) => this.summary(row, valCosines.get(row.id) ?? []));
  }

  of(runId: string): RunSummary {
    return this.summary(requireRun(this.db, runId), listValCosines(this.db, runId).get(runId) ?? []);
  }

  announce(runId: string): void {
    const run = this.of(runId);
    this.bus.publishChange({ type: 'changed', run });
    this.bus.publishEvent(runId, { type: 'run', run });
  }

  /** Announces a change of state at once, mere progress at most every PROGRESS_INTERVAL_MS. */
  announceProgress(runId: string): void {
    const live = this.live.get(runId);
    const row = requireRun(this.db, runId);
    const state = `${live?.journal.diskFull ?? row.status} ${row.best_json} ${row.engine_json} ${row.baselines_json}`;
    const last = this.announced.get(runId);
    const now = performance.now();
    if (live && last?.state === state && now - last.atMs < PROGRESS_INTERVAL_MS) return;
    this.announced.set(runId, { atMs: now, state });
    this.announce(runId);
  }

  /** Announces a run whose trainer is gone. */
  announceEnd(runId: string): void {
    this.announced.delete(runId);
    this.announce(runId);
  }

  /** A row with damaged JSON is listed as failed, with what is wrong: one of them must not hide the others. */
  private sound(row: RunRow, valCosines: readonly (number | null)[], etaMs: number | null): RunSummary {
    const key = storedJson(row);
    const known = this.checked.get(row.id);
    if (known?.key === key && known.problem === null) return summarise(row, valCosines, etaMs);
    const problem = problemOf(row);
    this.checked.set(row.id, { key, problem });
    return summarise(problem === null ? row : damagedRow(row, problem), problem === null ? valCosines : [], etaMs);
  }

  private summary(row: RunRow, valCosines: readonly (number | null)[]): RunSummary {
    const live = this.live.get(row.id);
    const etaMs = hasEnded(row.status) ? null : (live?.journal.etaMs ?? null);
    if (live === undefined || live.isOver) return this.sound(row, valCosines, etaMs);
    const { stage, diskFull: reason } = live.journal;
    const run = this.sound(reason === null ? row : { ...row, status: 'paused', reason }, valCosines, etaMs);
    return { ...run, ...(stage && { stage }), ...(live.waitsForSpace && { waitsForSpace: true as const }) };
  }
}

/** Text of a row that SQLite's own types do not check. */
function storedJson(row: RunRow): string {
  return JSON_COLUMNS.map((column) => row[column]).join('\n');
}

function problemOf(row: RunRow): string | null {
  try {
    const parsed = RunSummarySchema.safeParse(summarise(row, [], null));
    if (parsed.success) return null;
    const [{ path, message }] = parsed.error.issues;
    return `${path.join('.')}: ${message}`;
  } catch (error) {
    return messageOf(error);
  }
}
