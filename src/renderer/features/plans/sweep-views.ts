/** Data of the sweep views: each member's position on each axis, and a grid of cells over two axes. Pure. */
import type { Sweep, SweepMember } from '#shared/contract/plans.ts';
import type { GateMetric } from '#shared/domain/recipe/recipe.ts';
import { fieldOf, type Axis, type AxisValue } from '#shared/domain/plans/sweeps.ts';
import { formatCosine, formatFigure } from '../../ui/text/format.ts';
import { METRIC_LABELS } from '../../parts/run-words.ts';

export interface ViewAxis {
  readonly key: string;
  readonly label: string;
  /** From bottom to top, positions 0..1. */
  readonly ticks: readonly { readonly at: number; readonly text: string }[];
  /** 0..1, or null where the member has no value. */
  readonly place: (member: SweepMember) => number | null;
}

export function axisValueText(value: AxisValue): string {
  return typeof value === 'number' ? formatFigure(value, 3) : value;
}

/** Position of a value, clamped to 0..1: the plain recipe may lie outside the range. */
function placeOf(axis: Axis, value: AxisValue): number | null {
  if (axis.kind === 'values') {
    const index = axis.values.indexOf(value);
    return index < 0 ? null : axis.values.length === 1 ? 0.5 : index / (axis.values.length - 1);
  }
  if (typeof value !== 'number') return null;
  const { low, high, scale } = axis;
  const clamped = Math.min(high, Math.max(low, value));
  return scale === 'log' ? Math.log(clamped / low) / Math.log(high / low) : (clamped - low) / (high - low);
}

function axisView(axis: Axis): ViewAxis {
  const ticks =
    axis.kind === 'values'
      ? axis.values.map((value, i) => ({ at: i / Math.max(1, axis.values.length - 1), text: axisValueText(value) }))
      : [0, 0.5, 1].map((at) => ({ at, text: axisValueText(valueAt(axis, at)) }));
  return {
    key: axis.path,
    label: fieldOf(axis.path).label,
    ticks,
    place: ({ point }) => placeOf(axis, point[axis.path]),
  };
}

function valueAt({ low, high, scale }: Extract<Axis, { kind: 'range' }>, at: number): number {
  return scale === 'log' ? low * (high / low) ** at : low + at * (high - low);
}

export function metricOf(member: SweepMember, metric: GateMetric): number | null {
  return member.figures[metric]?.mean ?? null;
}

/** Smallest and largest mean of a metric over the members; null before there is one. */
export function metricRange(members: readonly SweepMember[], metric: GateMetric): readonly [number, number] | null {
  const values = members.map((member) => metricOf(member, metric)).filter((value): value is number => value !== null);
  return values.length === 0 ? null : [Math.min(...values), Math.max(...values)];
}

/** 0..1 from the worst to the best member; 0.5 where all are equal. */
export function rankPlace(value: number | null, range: readonly [number, number] | null): number | null {
  if (value === null || range === null) return null;
  const [low, high] = range;
  return high === low ? 0.5 : (value - low) / (high - low);
}

function metricView(members: readonly SweepMember[], metric: GateMetric): ViewAxis {
  const range = metricRange(members, metric);
  return {
    key: metric,
    label: METRIC_LABELS[metric],
    ticks:
      range === null
        ? []
        : [0, 0.5, 1].map((at) => ({ at, text: formatCosine(range[0] + at * (range[1] - range[0]), 3) })),
    place: (member) => rankPlace(metricOf(member, metric), range),
  };
}

/** The swept fields, then the metrics; the objective last. */
export function viewAxes({ spec, members }: Sweep): ViewAxis[] {
  const other: GateMetric = spec.objective === 'oodLift' ? 'valLift' : 'oodLift';
  const metrics = [other, spec.objective].filter((metric) => metricRange(members, metric) !== null);
  return [...spec.axes.map(axisView), ...metrics.map((metric) => metricView(members, metric))];
}

export interface HeatCell {
  readonly x: number;
  readonly y: number;
  /** Best mean among its members; null for none. */
  readonly value: number | null;
  readonly members: readonly number[];
}

export interface HeatGrid {
  readonly columns: readonly string[];
  readonly rows: readonly string[];
  readonly cells: readonly HeatCell[];
}

/** Bins of a continuous range. */
const SLICES = 4;

interface Bands {
  readonly labels: readonly string[];
  readonly of: (member: SweepMember) => number;
}

function bandsOf(axis: Axis, isGrid: boolean): Bands {
  if (axis.kind === 'values')
    return {
      labels: axis.values.map(axisValueText),
      of: ({ point }) => axis.values.indexOf(point[axis.path]),
    };
  const n = isGrid ? axis.steps : SLICES;
  const place = (member: SweepMember) => placeOf(axis, member.point[axis.path]) ?? 0;
  if (isGrid)
    return {
      labels: Array.from({ length: n }, (_, i) => axisValueText(valueAt(axis, i / (n - 1)))),
      of: (member) => Math.round(place(member) * (n - 1)),
    };
  return {
    labels: Array.from(
      { length: n },
      (_, i) => `${formatFigure(valueAt(axis, i / n), 2)} – ${formatFigure(valueAt(axis, (i + 1) / n), 2)}`,
    ),
    of: (member) => Math.min(n - 1, Math.floor(place(member) * n)),
  };
}

/** Cells over two axes; each shows the best of the members that fall into it, the plain recipe left out. */
export function heatGrid({ spec, members }: Sweep, x: Axis, y: Axis, metric: GateMetric): HeatGrid {
  const isGrid = spec.method === 'grid';
  const [across, down] = [bandsOf(x, isGrid), bandsOf(y, isGrid)];
  const cells = down.labels.flatMap((_row, j) =>
    across.labels.map((_column, i): HeatCell => {
      const inside = members.filter((one) => one.member !== 0 && across.of(one) === i && down.of(one) === j);
      const values = inside.map((one) => metricOf(one, metric)).filter((value): value is number => value !== null);
      return {
        x: i,
        y: j,
        value: values.length === 0 ? null : Math.max(...values),
        members: inside.map(({ member }) => member),
      };
    }),
  );
  return { columns: across.labels, rows: down.labels, cells };
}

/** Swept fields whose winning value is within 5 % of an end of the range: a wider range may be better. */
export function edges({ spec, members, winner }: Sweep): string[] {
  const best = members.find(({ member }) => member === winner);
  if (best === undefined || best.member === 0) return [];
  return spec.axes.flatMap((axis) => {
    const at = axis.kind === 'range' ? placeOf(axis, best.point[axis.path]) : null;
    if (at === null || (at > 0.05 && at < 0.95)) return [];
    return [`${fieldOf(axis.path).label} (${axisValueText(best.point[axis.path])})`];
  });
}

export function memberName(member: number): string {
  return member === 0 ? 'Plain' : `Member ${member}`;
}
