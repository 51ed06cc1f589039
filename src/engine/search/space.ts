/**
 * The space a sweep searches, as the unit cube: each axis is 0..1, on its own scale (`valueOn`). Random points are here,
 * points of a grid in `sweeps.ts`, points that learn from results in `tpe.ts`.
 */
import { valueOn, type Axis, type AxisValue, type Point } from '#shared/domain/plans/sweeps.ts';
import { stream } from '../random.ts';

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
