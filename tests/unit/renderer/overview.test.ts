/** The router's prefetch for a run page is used once and for that run only. */
import { beforeEach, expect, test, vi } from 'vitest';
import type { Series } from '#shared/contract/runs.ts';

const series = vi.hoisted(() => vi.fn<(input: Record<string, unknown>) => Promise<Series>>());
vi.mock('../../../src/renderer/rpc.ts', () => ({ client: { runs: { series } } }));
const { askAhead, fetchOverview, takeAhead } = await import('../../../src/renderer/features/run/curves/overview.ts');

const answer = { stepsPerPoint: 4 } as Series;
beforeEach(() => void series.mockReset().mockResolvedValue(answer));

test('a prefetched answer is taken once', async () => {
  askAhead('a');
  expect(await takeAhead('a')).toBe(answer);
  expect(takeAhead('a')).toBeNull();
  expect(series).toHaveBeenCalledTimes(1);
});

test('another run discards it', () => {
  askAhead('a');
  expect(takeAhead('b')).toBeNull();
  expect(takeAhead('a')).toBeNull();
});

test('a failed prefetch rejects when taken', async () => {
  series.mockRejectedValue(new Error('gone'));
  askAhead('a');
  await expect(takeAhead('a')).rejects.toThrow('gone');
});

test('requests all columns of the whole run', async () => {
  await fetchOverview('a');
  const [[{ columns, fromStep, toStep }]] = series.mock.calls;
  expect({ fromStep, toStep }).toEqual({ fromStep: null, toStep: null });
  expect(columns).toContain('total');
  expect(columns).toContain('cosine');
});
