/**
 * 95 % intervals of a sweep's figures over articles and seeds, from the cosines stored with its runs. They are kept in
 * memory: a sweep is read anew after each of its runs, and hundreds of members would take seconds each time.
 */
import { differenceOverSeeds, metricOverSeeds, type SeedPair } from '#engine/evaluation/over-seeds.ts';
import type { PairedDifference } from '#shared/domain/evaluation/comparison.ts';
import type { CosineSums, Interval } from '#shared/domain/evaluation/interval.ts';
import { GATE_METRICS } from '#shared/domain/recipe/recipe.ts';
import type { MetricIntervals } from '#shared/domain/runs/training.ts';
import { LruCache } from '../processes/memoize.ts';
import { cosineSums } from '../store/cosine-sums.ts';
import type { Db } from '../store/database.ts';
import type { SweepMemberRow } from '../store/plans.ts';

/** 500 members, the most a sweep has, with six figures and a difference to the winner in two parts. */
const CAPACITY = 4000;

export class SweepIntervals {
  private readonly db: Db;
  private readonly known = new LruCache<Interval | null>(CAPACITY);

  constructor(db: Db) {
    this.db = db;
  }

  /** Empty while a run of the member trains: the stored cosines are then ahead of its figures. */
  ofMember(member: SweepMemberRow, seed: number): MetricIntervals {
    if (!isAtRest(member)) return {};
    const read = once(() => this.sums(member));
    const entries = GATE_METRICS.map((metric) => {
      const interval = this.interval(`${metric} ${keyOf(member)}`, () => {
        const runs = read();
        return runs && metricOverSeeds(metric, runs, seed);
      });
      return [metric, interval];
    });
    return Object.fromEntries(entries) as MetricIntervals;
  }

  /** Cosines of `a` minus those of `b`; null where one trains, and of runs of versions that stored no cosines. */
  difference(a: SweepMemberRow, b: SweepMemberRow, seed: number): PairedDifference {
    if (!isAtRest(a) || !isAtRest(b)) return { validation: null, ood: null };
    const read = once(() => [this.sums(a), this.sums(b)]);
    const of = (part: 'validation' | 'ood') =>
      this.interval(`${part} ${keyOf(a)} ${keyOf(b)}`, () => {
        const pairs = pairsOf(part, read());
        return pairs && differenceOverSeeds(pairs, seed);
      });
    return { validation: of('validation'), ood: of('ood') };
  }

  private interval(key: string, make: () => Interval | null): Interval | null {
    const known = this.known.get(key);
    if (known !== undefined) return known;
    const made = make();
    this.known.set(key, made);
    return made;
  }

  /** Of each seed; null: not stored for all of them. */
  private sums({ runs }: SweepMemberRow): CosineSums[] | null {
    const known = runs.flatMap(({ runId }) => (runId === null ? [] : (cosineSums(this.db, runId) ?? [])));
    return known.length < runs.length ? null : known;
  }
}

function isAtRest({ runs }: SweepMemberRow): boolean {
  return runs.every(
    ({ isActive, failure, figures }) => !isActive && failure === '' && figures.length === runs[0].figures.length,
  );
}

/** Runs and the rung they have reached. */
function keyOf({ runs }: SweepMemberRow): string {
  return runs.map(({ runId, figures }) => `${runId}:${figures.length}`).join();
}

function pairsOf(part: 'validation' | 'ood', [ours, theirs]: readonly (CosineSums[] | null)[]): SeedPair[] | null {
  if (!ours || !theirs) return null;
  const pairs = ours.flatMap((run, s): SeedPair[] => {
    const [a, b] = [run[part], theirs[s]?.[part]];
    return a && b ? [{ a, b }] : [];
  });
  return pairs.length < ours.length ? null : pairs;
}

function once<T>(read: () => T): () => T {
  let value: { readonly of: T } | null = null;
  return () => (value ??= { of: read() }).of;
}
