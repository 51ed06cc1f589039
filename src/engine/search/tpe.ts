/**
 * Tree-structured Parzen estimator: Bergstra, Bardenet, Bengio & Kégl, "Algorithms for Hyper-Parameter Optimization",
 * NeurIPS 2011, section 4. Results are split into the good share γ and the rest; on each axis a density ℓ of the good and
 * g of the rest is built, and of candidates drawn from ℓ the one with the largest ℓ/g (which maximises expected
 * improvement) is proposed. Axes are independent, as in the paper's flat case.
 */
import { valueOn, type Axis, type AxisValue, type Point } from '#shared/domain/plans/sweeps.ts';
import { stream, type Random } from '../random.ts';
import { latinPoint, positionOn } from './space.ts';

/** Share of the results that counts as good. The paper has 0.15; with a dozen results that would be one or two points. */
const GAMMA = 0.25;
const CANDIDATES = 24;
/** Narrowest kernel, as a share of the axis: keeps a cluster of good points from stopping the search. */
const NARROWEST = 0.05;

export interface Observation {
  readonly point: Point;
  /** Larger is better; −∞ for a member that failed. */
  readonly value: number;
}

/** Points proposed before there is anything to learn from. */
export function startUpCount(members: number, axes: number): number {
  return Math.max(Math.min(members, axes + 2), Math.ceil(members / 4));
}

export interface TpeRequest {
  readonly axes: readonly Axis[];
  readonly seed: number;
  /** Members proposed so far. */
  readonly index: number;
  readonly members: number;
  readonly observations: readonly Observation[];
}

/** The next point to try. Depends on its arguments alone. */
export function tpePoint({ axes, seed, index, members, observations }: TpeRequest): Point {
  const startUp = startUpCount(members, axes.length);
  if (index < startUp || observations.length < 2) return latinPoint(axes, seed, index % startUp, startUp);
  const sorted = observations.toSorted((a, b) => b.value - a.value);
  const goodCount = Math.max(1, Math.ceil(GAMMA * sorted.length));
  const good = sorted.slice(0, goodCount).map(({ point }) => point);
  const rest = sorted.slice(goodCount).map(({ point }) => point);
  const random = stream(seed, 'sweep', index + 1);
  return Object.fromEntries(axes.map((axis) => [axis.path, proposeOn(axis, good, rest, random)]));
}

function proposeOn(axis: Axis, good: readonly Point[], rest: readonly Point[], random: Random): AxisValue {
  if (axis.kind === 'values') return proposeChoice(axis.values, axis.path, good, rest, random);
  const positions = (points: readonly Point[]) =>
    points.map((point) => positionOn(axis, point[axis.path])).filter((u): u is number => u !== null);
  const l = new Parzen(positions(good));
  const g = new Parzen(positions(rest));
  let best = { u: 0.5, ratio: -Infinity };
  for (let i = 0; i < CANDIDATES; i++) {
    const u = l.draw(random);
    const ratio = Math.log(l.density(u)) - Math.log(g.density(u));
    if (ratio > best.ratio) best = { u, ratio };
  }
  return valueOn(axis, best.u);
}

/** Listed values: counts with one added to each, drawn from the good and weighed against the rest. */
function proposeChoice(
  values: readonly AxisValue[],
  path: string,
  good: readonly Point[],
  rest: readonly Point[],
  random: Random,
): AxisValue {
  const share = (points: readonly Point[], value: AxisValue): number =>
    (points.filter((point) => point[path] === value).length + 1) / (points.length + values.length);
  let best = { value: values[0], ratio: -Infinity };
  for (let i = 0; i < CANDIDATES; i++) {
    const value = drawFrom(values, (v) => share(good, v), random);
    const ratio = share(good, value) / share(rest, value);
    if (ratio > best.ratio) best = { value, ratio };
  }
  return best.value;
}

function drawFrom<V>(values: readonly V[], share: (value: V) => number, random: Random): V {
  let left = random.uniform();
  for (const value of values) {
    left -= share(value);
    if (left < 0) return value;
  }
  return values[values.length - 1];
}

/** A mixture on 0..1 of one normal a point, cut at the ends, and one uniform part that never vanishes (the prior). */
class Parzen {
  private readonly centres: readonly number[];
  private readonly widths: readonly number[];

  constructor(points: readonly number[]) {
    const sorted = points.toSorted((a, b) => a - b);
    this.centres = sorted;
    // The larger distance to a neighbour or an end, as in the paper.
    this.widths = sorted.map((u, i) => Math.max(NARROWEST, u - (sorted[i - 1] ?? 0), (sorted[i + 1] ?? 1) - u));
  }

  density(u: number): number {
    let sum = 1;
    this.centres.forEach((centre, i) => {
      const width = this.widths[i];
      const inside = normalBelow((1 - centre) / width) - normalBelow(-centre / width);
      sum += Math.exp(-0.5 * ((u - centre) / width) ** 2) / (width * Math.sqrt(2 * Math.PI) * inside);
    });
    return sum / (this.centres.length + 1);
  }

  draw(random: Random): number {
    const i = random.integer(this.centres.length + 1);
    if (i === this.centres.length) return random.uniform();
    for (;;) {
      const u = this.centres[i] + this.widths[i] * random.normal();
      if (u >= 0 && u <= 1) return u;
    }
  }
}

/** Share of the standard normal below z (Abramowitz & Stegun 7.1.26, error below 1.5e-7). */
function normalBelow(z: number): number {
  const x = Math.abs(z) / Math.SQRT2;
  const t = 1 / (1 + 0.3275911 * x);
  const series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  const erf = 1 - series * Math.exp(-x * x);
  return z < 0 ? (1 - erf) / 2 : (1 + erf) / 2;
}
