/**
 * Intervals of the figures a run is read by: cosine, lift over the mean of the context and over the best baseline, on
 * its validation and OOD windows. The baselines' cosines come summed over the same articles.
 */
import type { CosineSums, GroupSums, Interval } from '#shared/domain/evaluation/interval.ts';
import { BASELINES, type MetricIntervals } from '#shared/domain/runs/training.ts';
import { bootstrap, groupWindows, sumByGroup, type WindowGroups } from './bootstrap.ts';
import type { Split } from './windows.ts';

/** Cosine of prediction and target, one a window. */
export interface RunCosines {
  readonly validation: Float32Array;
  readonly ood: Float32Array | null;
}

/** Groups the windows a run is evaluated on, once for all epochs. */
export class RunGroups {
  private readonly validation: WindowGroups;
  private readonly ood: WindowGroups | null;

  constructor({ validation, ood }: { validation: Split; ood?: Split | null }) {
    this.validation = groupsOf(validation);
    this.ood = ood ? groupsOf(ood) : null;
  }

  /** The model's cosines summed over articles. */
  sums({ validation, ood }: RunCosines): CosineSums {
    return {
      validation: groupSums({ model: validation }, this.validation),
      ood: ood && this.ood ? groupSums({ model: ood }, this.ood) : null,
    };
  }
}

/** `baselines` null: not measured; the lifts then have no interval. */
export function metricIntervals(model: CosineSums, baselines: CosineSums | null, seed: number): MetricIntervals {
  const val = partIntervals(model.validation, baselines?.validation ?? null, seed);
  const ood = model.ood && partIntervals(model.ood, baselines?.ood ?? null, seed);
  return {
    valCosine: val.cosine,
    valLift: val.lift,
    valBestLift: val.bestLift,
    oodCosine: ood?.cosine ?? null,
    oodLift: ood?.lift ?? null,
    oodBestLift: ood?.bestLift ?? null,
  };
}

export function groupsOf({ ids, source, articleOf }: Split): WindowGroups {
  return groupWindows(ids, source.T, articleOf);
}

/** Values of each predictor, one a window, summed over the groups. */
export function groupSums(rows: Readonly<Record<string, Float32Array | undefined>>, groups: WindowGroups): GroupSums {
  const sums = Object.entries(rows).flatMap(([name, values]) => (values ? [[name, sumByGroup(values, groups)]] : []));
  return { unit: groups.unit, windows: groups.windows, sums: Object.fromEntries(sums) };
}

/** Interval of the difference of two runs' mean cosines, paired; null: other windows, or too few groups. */
export function pairedDifference(a: GroupSums, b: GroupSums, seed: number): Interval | null {
  const ours: Float64Array | undefined = a.sums.model;
  const theirs: Float64Array | undefined = b.sums.model;
  if (!ours || !theirs || !haveSameWindows(a, b)) return null;
  return bootstrap(a.windows, [minus(ours, theirs)], seed).mean(0);
}

type Windows = Pick<GroupSums, 'windows'>;

export function haveSameWindows(a: Windows, b: Windows): boolean {
  return a.windows.length === b.windows.length && a.windows.every((count, g) => count === b.windows[g]);
}

function partIntervals(of: GroupSums, baselines: GroupSums | null, seed: number) {
  const { windows, sums } = of;
  const known = baselines && haveSameWindows(of, baselines) ? baselines.sums : {};
  const mean = known.contextMean ?? null;
  const best = strongestBaseline(known);
  // Differences of the same windows: one quantity each.
  const lifts = [mean, best].map((baseline) => baseline && minus(sums.model, baseline));
  const drawn = bootstrap(windows, [sums.model, ...lifts.map((lift) => lift ?? sums.model)], seed);
  return {
    cosine: drawn.mean(0),
    lift: mean && drawn.mean(1),
    bestLift: best && drawn.mean(2),
  };
}

/** The sums of the baseline with the largest mean cosine; null: none was measured. */
export function strongestBaseline(known: GroupSums['sums']): Float64Array | null {
  let best: { total: number; sums: Float64Array } | null = null;
  for (const sums of BASELINES.flatMap((name) => known[name] ?? [])) {
    const total = sums.reduce((a, b) => a + b, 0);
    if (Number.isFinite(total) && (best === null || total > best.total)) best = { total, sums };
  }
  return best && best.sums;
}

export function minus(a: Float64Array, b: Float64Array): Float64Array {
  return a.map((value, g) => value - b[g]);
}
