import { describe, expect, it } from 'vitest';
import { pointsFrom, rawPoints } from '../../../src/renderer/charts/data/columns.ts';
import { figureCsv, figureSvg } from '../../../src/renderer/charts/drawing/export-figure.ts';
import { buildScene, SceneCache, type ChartInput } from '../../../src/renderer/charts/drawing/scene.ts';
import { STYLES } from '../../../src/renderer/charts/drawing/series-style.ts';
import { THEME } from './theme.ts';

describe('figureCsv', () => {
  it('has a row for every x of any series, with empty cells for missing values', () => {
    const step = {
      key: 'a',
      style: STYLES.train,
      points: rawPoints(Float64Array.of(1, 2, 3), Float32Array.of(0.5, 0.25, 1)),
    };
    const epochs = pointsFrom(
      [
        { x: 2, y: null },
        { x: 4, y: 7 },
      ],
      (e) => e.x,
      (e) => e.y,
    );
    const csv = figureCsv([step, { key: 'b', style: { ...STYLES.validation, label: 'a,b' }, points: epochs }], 'step');
    expect(csv).toBe('step,Training,"a,b"\n1,0.5,\n2,0.25,\n3,1,\n4,,7\n');
  });

  it('gives min and max beside the mean where points merge several steps', () => {
    const x = Float64Array.of(1, 3);
    const points = { x, mean: Float32Array.of(1, 2), min: Float32Array.of(0, 1), max: Float32Array.of(2, 3) };
    expect(figureCsv([{ key: 'a', style: STYLES.train, points }], 'time')).toBe(
      'elapsed_ms,Training,Training min,Training max\n1,1,0,2\n3,2,1,3\n',
    );
  });
});

describe('figureSvg', () => {
  const points = rawPoints(Float64Array.of(0, 1, 2, 3), Float32Array.of(1, Number.NaN, 3, 4));
  const style = { ...STYLES.validation, label: 'A < B & C' };
  const input: ChartInput = {
    series: [{ key: 'a', style, points }],
    references: [{ key: 'r', style: STYLES.clip, y: 2 }],
    markers: [{ x: 2, label: 'gate', tone: 'bad' }],
    stacked: false,
    log: false,
    halfLife: 0,
    hidden: new Set(),
  };
  const scene = buildScene(input, { min: 0, max: 3 }, 800, new SceneCache());
  const picture = { scene, input, xTicks: [{ value: 1, label: 'one' }], yTicks: [{ value: 99, label: 'far off' }] };
  const svg = figureSvg(picture, { title: 'Loss <1>', xName: 'step' }, THEME);

  it('escapes text and omits ticks out of view', () => {
    expect(svg).toContain('<title>Loss &lt;1&gt;</title>');
    expect(svg).toContain('A &lt; B &amp; C');
    expect(svg).toContain('>one</text>');
    expect(svg).not.toContain('far off');
  });

  it('breaks the line at a gap and draws a dot for an isolated value', () => {
    const curve =
      /<path d="(M[^"]*)" fill="none" stroke="colour\(--series-blue\)" stroke-width="2"/.exec(svg)?.[1] ?? '';
    expect(curve.match(/M/g)).toHaveLength(2);
    expect(curve.match(/L/g)).toHaveLength(1);
    expect(svg).toMatch(/<circle [^>]*fill="colour\(--series-blue\)"/);
  });
});
