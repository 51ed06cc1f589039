import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rawPoints, type Points } from '../../../src/renderer/charts/data/columns.ts';
import { drawScene } from '../../../src/renderer/charts/drawing/draw.ts';
import { buildScene, SceneCache, type ChartInput, type Scene } from '../../../src/renderer/charts/drawing/scene.ts';
import { STYLES } from '../../../src/renderer/charts/drawing/series-style.ts';
import { SvgSurface, type Pen } from '../../../src/renderer/charts/drawing/surface.ts';
import { perhapsNaN } from './arbitraries.ts';
import { THEME } from './theme.ts';

const PLOT = { x: 40, y: 14, width: 600, height: 200 };

/** Records the points of every stroke, by width and colour. */
class Recorder extends SvgSurface {
  readonly strokes: { width: number; colour: string; corners: [number, number][] }[] = [];

  override stroke(trace: (pen: Pen) => void, style: { colour: string; width: number }): void {
    const corners: [number, number][] = [];
    const add = (x: number, y: number) => void corners.push([x, y]);
    trace({ moveTo: add, lineTo: add, closePath: () => {} });
    this.strokes.push({ ...style, corners });
  }
}

function sceneOf(series: readonly Points[], log: boolean, stacked = false): Scene {
  const input: ChartInput = {
    series: series.map((points, i) => ({ key: `s${i}`, style: { ...STYLES.train, width: 2 }, points })),
    references: [],
    markers: [],
    stacked,
    log,
    halfLife: 0,
    hidden: new Set(),
  };
  return buildScene(input, { min: 0, max: 9 }, PLOT.width, new SceneCache());
}

function linesOf(scene: Scene, log: boolean): [number, number][][] {
  const surface = new Recorder();
  drawScene(surface, scene, [], { plot: PLOT, log, ratio: 1 }, THEME);
  return surface.strokes.map(({ corners }) => corners);
}

const columns = fc.array(perhapsNaN, { minLength: 2, maxLength: 10 });
const pointsOf = (values: readonly number[]) =>
  rawPoints(
    Float64Array.from(values, (_, i) => i),
    Float32Array.from(values),
  );

describe('drawScene', () => {
  it('draws every measured value at its axis position', () => {
    fc.assert(
      fc.property(columns, fc.boolean(), (values, log) => {
        const scene = sceneOf([pointsOf(values)], log);
        const scale = log ? Math.log10 : (v: number) => v;
        const share = (v: number) => (scale(v) - scale(scene.y.min)) / (scale(scene.y.max) - scale(scene.y.min));
        const expected = Array.from(Float32Array.from(values), (v, i) => [i, v]).filter(([, v]) => !Number.isNaN(v));
        const [corners] = linesOf(scene, log);
        expect(corners).toHaveLength(expected.length);
        for (const [i, [x, y]] of corners.entries()) {
          const [step, value] = expected[i];
          expect(x).toBeCloseTo(PLOT.x + (step / 9) * PLOT.width, 6);
          // Values without a logarithm lie below the plot.
          const height = log && value <= 0 ? -1 : share(value);
          expect(y).toBeCloseTo(PLOT.y + PLOT.height * (1 - height), 6);
        }
      }),
    );
  });

  it('lines of one chart, and charts drawn in turn, do not affect each other', () => {
    fc.assert(
      fc.property(columns, columns, fc.boolean(), (a, b, stacked) => {
        const one = () => sceneOf([pointsOf(a), pointsOf(b)], false, stacked);
        const alone = linesOf(one(), false);
        const other = sceneOf([pointsOf(b.toReversed())], false);
        linesOf(other, false);
        expect(linesOf(one(), false)).toEqual(alone);
        // The first drawing does not depend on the second.
        const { y } = one();
        const first = { ...sceneOf([pointsOf(a)], false, stacked), y };
        expect(linesOf(first, false)[0]).toEqual(alone[0]);
      }),
    );
  });
});
