import { describe, expect, it } from 'vitest';
import { rawPoints } from '../../../src/renderer/charts/data/columns.ts';
import {
  buildScene,
  SceneCache,
  type ChartInput,
  type ChartSeries,
} from '../../../src/renderer/charts/drawing/scene.ts';
import { STYLES } from '../../../src/renderer/charts/drawing/series-style.ts';

const VIEW = { min: 0, max: 4 };

function series(key: string, ...values: number[]): ChartSeries {
  const x = Float64Array.from(values, (_, i) => i);
  return { key, style: STYLES.total, points: rawPoints(x, Float32Array.from(values)) };
}

function input(change: Partial<ChartInput>): ChartInput {
  const none = { series: [], references: [], markers: [], hidden: new Set<string>() };
  return { ...none, stacked: false, log: false, halfLife: 0, ...change };
}

const build = (change: Partial<ChartInput>) => buildScene(input(change), VIEW, 100, new SceneCache());
const line = (layer: { line: { mean: Float32Array; length: number } }) => [
  ...layer.line.mean.subarray(0, layer.line.length),
];

describe('buildScene', () => {
  it('spans 0 to 1 where every value is 0', () => {
    expect(build({ series: [series('a', 0, 0)] }).y).toEqual({ min: 0, max: 1 });
  });

  it('stacks shares and counts a gap as 0', () => {
    const { layers } = build({ stacked: true, series: [series('a', 0.5, Number.NaN), series('b', 0.25, 0.75)] });
    expect(line(layers[0])).toEqual([0.5, 0]);
    expect(line(layers[1])).toEqual([0.75, 0.75]);
    expect([...(layers[1].floor ?? [])].slice(0, 2)).toEqual([0.5, 0]);
  });

  it('excludes hidden series from stack and range', () => {
    const all = [series('a', 100, 200), series('b', 1, 2)];
    const { layers, y } = build({ series: all, hidden: new Set(['a']) });
    expect(layers.map((layer) => layer.series.key)).toEqual(['b']);
    expect(y.max).toBeLessThan(3);
  });

  it('the range includes reference lines but not passive ones', () => {
    const reference = { key: 'r', style: STYLES.clip, y: 10 };
    expect(build({ series: [series('a', 1, 2)], references: [reference] }).y.max).toBeGreaterThan(10);
    expect(build({ series: [series('a', 1, 2)], references: [{ ...reference, passive: true }] }).y.max).toBeLessThan(3);
  });

  it('the range stays at or above 0 for non-negative series and above 0 on a log scale', () => {
    expect(build({ series: [series('a', 0.001, 5)] }).y.min).toBe(0);
    expect(build({ log: true, series: [series('a', 0, 0.001, 5)] }).y.min).toBeGreaterThan(0);
  });

  it('has a range for no data and for a constant', () => {
    expect(build({}).y).toEqual({ min: 0, max: 1.06 });
    const { y } = build({ series: [series('a', 3, 3, 3)] });
    expect(y.min).toBeLessThan(3);
    expect(y.max).toBeGreaterThan(3);
  });

  it('smooths steps and keeps the raw line behind; does not smooth epochs', () => {
    const sparse = { ...series('b', 0, 1, 0, 1), sparse: true };
    const { layers } = build({ halfLife: 3, series: [series('a', 0, 1, 0, 1), sparse] });
    expect(layers[0].raw && line({ line: layers[0].raw })).toEqual([0, 1, 0, 1]);
    expect(line(layers[0])).not.toEqual([0, 1, 0, 1]);
    expect(layers[1].raw).toBeNull();
    expect(line(layers[1])).toEqual([0, 1, 0, 1]);
  });

  it('recomputes smoothing when the points change', () => {
    const cache = new SceneCache();
    const at = (s: ChartSeries) => line(buildScene(input({ halfLife: 2, series: [s] }), VIEW, 100, cache).layers[0]);
    expect(at(series('a', 1, 1))).toEqual([1, 1]);
    expect(at(series('a', 2, 2))).toEqual([2, 2]);
  });
});
