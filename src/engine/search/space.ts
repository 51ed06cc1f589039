/**
 * The space a sweep searches, as the unit cube: each axis is 0..1, on its own scale. Grid and random points stand here,
 * points that learn from results in `tpe.ts`.
 */
import { axisLength, fieldOf, type Axis, type AxisValue, type Point } from '#shared/domain/plans/sweeps.ts';
import { stream } from '../random.ts';

/** Six significant digits: a learning rate a person can read and type. */
const DIGITS = 6;

/** The value at `u` (0..1) of an axis: on its scale, whole where the field is, one of the values where they are listed. */
export function valueOn(axis: Axis, u: number): AxisValue {
  if (axis.kind === 'values') return axis.values[Math.min(axis.values.length - 1, Math.floor(u * axis.values.length))];
  const { low, high, scale } = axis;
  const raw = scale === 'log' ? Math.exp(Math.log(low) + u * Math.log(high / low)) : low + u * (high - low);
  const isWhole = fieldOf(axis.path).kind === 'integer';
  const value = isWhole ? Math.round(raw) : Number(raw.toPrecision(DIGITS));
  return Math.min(high, Math.max(low, value));
}

/** Where a value lies on an axis, 0..1; null when it lies outside or is none of the listed ones. */
export function positionOn(axis: Axis, value: AxisValue): number | null {
  if (axis.kind === 'values') {
    const index = axis.values.indexOf(value);
    return index < 0 ? null : (index + 0.5) / axis.values.length;
  }
  if (typeof value !== 'number' || value < axis.low || value > axis.high) return null;
  const { low, high, scale } = axis;
  return scale === 'log' ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
}

/** Point `index` of the full grid, the last axis running fastest. */
export function gridPoint(axes: readonly Axis[], index: number): Point {
  const point: Record<string, AxisValue> = {};
  let rest = index;
  for (const axis of axes.toReversed()) {
    const n = axisLength(axis);
    const i = rest % n;
    rest = Math.floor(rest / n);
    point[axis.path] = valueOn(axis, axis.kind === 'values' ? (i + 0.5) / n : i / (n - 1));
  }
  return point;
}

/** Point `index` of a random sweep. It depends on seed and index alone, so that a restart proposes the same. */
export function randomPoint(axes: readonly Axis[], seed: number, index: number): Point {
  const random = stream(seed, 'sweep', index);
  return Object.fromEntries(axes.map((axis) => [axis.path, valueOn(axis, random.uniform())]));
}

/**
 * Point `index` of `count` that cover each axis evenly: a Latin hypercube (McKay, Beckman & Conover 1979). One point in
 * each of `count` slices of every axis, the slices paired at random.
 */
export function latinPoint(axes: readonly Axis[], seed: number, index: number, count: number): Point {
  const random = stream(seed, 'sweep', 0);
  return Object.fromEntries(
    axes.map((axis) => {
      const slices = Uint32Array.from({ length: count }, (_, i) => i);
      random.shuffle(slices);
      const within = Array.from(slices, () => random.uniform());
      return [axis.path, valueOn(axis, (slices[index] + within[index]) / count)];
    }),
  );
}
