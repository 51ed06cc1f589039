import * as fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { createChartGroup } from '../../../src/renderer/charts/chart-group.ts';

function groupOf(max: number) {
  const group = createChartGroup();
  group.setExtent({ min: 0, max });
  return group;
}

describe('a chart group', () => {
  it('shows the full extent until zoomed, and again after reset', () => {
    const group = groupOf(1000);
    expect(group.view()).toEqual({ min: 0, max: 1000 });
    group.zoomTo({ min: 100, max: 200 });
    expect(group.view()).toEqual({ min: 100, max: 200 });
    group.reset();
    expect(group.zoomed.value).toBeNull();
  });

  it('clamps the view to the data and to a minimum width', () => {
    const act = fc.record({ kind: fc.constantFrom('zoom', 'pan'), by: fc.double({ min: -2, max: 2, noNaN: true }) });
    fc.assert(
      fc.property(fc.array(act, { maxLength: 30 }), (acts) => {
        const group = groupOf(5000);
        for (const { kind, by } of acts) {
          if (kind === 'zoom') group.zoomBy(2 ** by, 2500 + by * 1200);
          else group.pan(by * 900);
          const { min, max } = group.view();
          expect(min).toBeGreaterThanOrEqual(0);
          expect(max).toBeLessThanOrEqual(5000 + 1e-9);
          expect(max - min).toBeGreaterThanOrEqual(4 - 1e-9);
        }
      }),
    );
  });

  it('is moving during zoom and pan and at rest soon after; new data does not move it', async () => {
    vi.useFakeTimers();
    try {
      const group = groupOf(1000);
      group.zoomTo({ min: 900, max: 1000 });
      for (let frame = 0; frame < 30; frame++) {
        group.pan(1);
        expect(group.moving.value).toBe(true);
        await vi.advanceTimersByTimeAsync(16);
      }
      await vi.advanceTimersByTimeAsync(200);
      expect(group.moving.value).toBe(false);
      group.setExtent({ min: 0, max: 1010 });
      expect(group.zoomed.value).toEqual({ min: 910, max: 1010 });
      expect(group.moving.value).toBe(false);
    } finally {
      vi.useRealTimers();
    }
  });

  it('keeps the place under the pointer while it zooms', () => {
    const group = groupOf(1000);
    group.zoomBy(0.5, 400);
    const { min, max } = group.view();
    expect((400 - min) / (max - min)).toBeCloseTo(0.4, 9);
  });

  it('follows new data only while the view reaches the end', () => {
    const group = groupOf(1000);
    group.zoomTo({ min: 900, max: 1000 });
    group.setExtent({ min: 0, max: 1050 });
    expect(group.view()).toEqual({ min: 950, max: 1050 });
    group.zoomTo({ min: 100, max: 200 });
    group.setExtent({ min: 0, max: 2000 });
    expect(group.view()).toEqual({ min: 100, max: 200 });
  });
});
