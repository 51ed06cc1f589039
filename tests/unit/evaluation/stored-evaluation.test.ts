/** Figures that evaluations of earlier versions lack. */
import { expect, test } from 'vitest';
import {
  BaselineTableSchema,
  MeasurementSchema,
  cosineInterval,
  intervalSource,
  type Measurement,
} from '#shared/domain/evaluation/evaluation.ts';

const cosine = { mean: 0.5, std: 0.1, p5: 0.3, p50: 0.5, p95: 0.7 };

test('intervals and the pooled ridge read "not measured"', () => {
  const { cosine: withBounds, intervals } = MeasurementSchema.pick({ cosine: true, intervals: true }).parse({ cosine });
  expect(withBounds).toEqual({ ...cosine, low: null, high: null });
  expect(intervals).toBeNull();
  const baselines = { contextMean: 0.4, lastVector: 0.3, weightedMean: 0.41, ridge: 0.42, shuffled: 0 };
  expect(BaselineTableSchema.parse(baselines)).toEqual({ ...baselines, pooledRidge: null });
});

test('an evaluation stored before intervals existed has none', () => {
  const stored = { cosine } as Measurement;
  expect(cosineInterval(stored)).toBeNull();
  expect(intervalSource(stored)).toBe('');
});
