/** When charts that move are drawn at half detail. */
import { describe, expect, test } from 'vitest';
import { Pace, REST_MS } from '../../../src/renderer/charts/pace.ts';

/** Frames `gap` apart, from `start` on; what the last of them says. */
function run(pace: Pace, start: number, gap: number, frames: number): number {
  let pixels = Number.NaN;
  for (let i = 0; i < frames; i++) pixels = pace.pixelsPerPoint(start + i * gap, true);
  return pixels;
}

describe('Pace', () => {
  test('keeps full detail while frames come in time', () => {
    expect(run(new Pace(), 1000, 1000 / 60, 200)).toBe(1);
    expect(run(new Pace(), 1000, 1000 / 144, 200)).toBe(1);
  });

  test('one late frame does not blur the picture', () => {
    const pace = new Pace();
    run(pace, 1000, 1000 / 60, 20);
    const after = 1000 + (19 * 1000) / 60 + 24;
    expect(pace.pixelsPerPoint(after, true)).toBe(1);
    expect(run(pace, after + 1000 / 60, 1000 / 60, 20)).toBe(1);
  });

  test('halves the detail where frames come late, and keeps it so while the picture moves', () => {
    const pace = new Pace();
    expect(run(pace, 1000, 1000 / 30, 5)).toBe(2);
    expect(run(pace, 1000 + 5000 / 30, 1000 / 60, 100)).toBe(2);
  });

  test('draws at full detail again at rest', () => {
    const pace = new Pace();
    run(pace, 1000, 40, 10);
    expect(pace.pixelsPerPoint(1000 + 9 * 40 + REST_MS, true)).toBe(1);
  });

  test('a view that does not move is drawn at full detail however late the frames are', () => {
    const pace = new Pace();
    for (let i = 0; i < 20; i++) expect(pace.pixelsPerPoint(1000 + i * 50, false)).toBe(1);
    // Nor do those frames count when it begins to move.
    expect(pace.pixelsPerPoint(1000 + 20 * 50, true)).toBe(1);
    // One that was drawn coarsely and rests is fine at once, even a moment later.
    run(pace, 3000, 40, 10);
    expect(pace.pixelsPerPoint(3000 + 9 * 40 + 10, false)).toBe(1);
  });

  test('charts that draw in one frame are drawn alike and count once', () => {
    const pace = new Pace();
    for (let i = 0; i < 30; i++) {
      const now = 1000 + (i * 1000) / 60;
      for (let chart = 0; chart < 9; chart++) expect(pace.pixelsPerPoint(now, true)).toBe(1);
    }
  });
});
