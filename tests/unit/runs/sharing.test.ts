/** Runs at once on simulated machines: what fits beside each other, and how many threads each run gets. */
import { describe, expect, test } from 'vitest';
import fc from 'fast-check';
import {
  bestShare,
  candidates,
  fits,
  mostAtOnce,
  shareThreads,
  type Demand,
  type Machine,
} from '../../../src/main/runs/resources/sharing.ts';

const GIB = 2 ** 30;
const WORKSTATION: Machine = { cores: 16, memoryBytes: 48 * GIB, devices: 1 };
const LAPTOP: Machine = { cores: 2, memoryBytes: 6 * GIB, devices: 1 };
const AMN: Demand = { threads: null, memoryBytes: GIB, usesDevice: false };

/** Lets runs in, one after the other, until the next does not fit. */
function fill(next: Demand, most: number, machine: Machine): Demand[] {
  const training: Demand[] = [];
  while (fits(next, { training, paused: [] }, most, machine)) training.push(next);
  return training;
}

describe('which runs fit beside each other', () => {
  test.each([
    ['one run at a time', AMN, 1, 1],
    ['as many as asked for', AMN, 16, 16],
    ['more than cores when that many are asked for', AMN, 20, 20],
    ['no more threads than cores', { ...AMN, threads: 8 }, 4, 2],
    ['no more than the memory holds', { ...AMN, memoryBytes: 10 * GIB }, 16, 4],
    ['one run a GPU', { ...AMN, usesDevice: true }, 16, 1],
  ])('%s', (_what, demand, most, expected) => {
    expect(fill(demand, most, WORKSTATION)).toHaveLength(expected);
  });

  test('an idle machine takes any run', () => {
    const large = { ...AMN, threads: 64, memoryBytes: 100 * GIB };
    expect(fits(large, { training: [], paused: [] }, 1, LAPTOP)).toBe(true);
  });

  test('a run on the GPU leaves the cores to others', () => {
    const onGpu = { ...AMN, usesDevice: true };
    expect(fits(AMN, { training: [onGpu], paused: [] }, 2, LAPTOP)).toBe(true);
    expect(fits(onGpu, { training: [onGpu], paused: [] }, 2, LAPTOP)).toBe(false);
  });

  test('a paused run keeps its memory, but neither cores nor a place', () => {
    const half = { ...AMN, threads: 1, memoryBytes: 3 * GIB };
    expect(fits(half, { training: [half], paused: [] }, 2, LAPTOP)).toBe(true);
    expect(fits(half, { training: [half], paused: [{ ...half, memoryBytes: 1 }] }, 2, LAPTOP)).toBe(false);
    expect(fits(half, { training: [], paused: [half, half] }, 1, LAPTOP)).toBe(true);
  });
});

describe('threads', () => {
  const shared = (runs: number) =>
    shareThreads(
      Array.from({ length: runs }, () => AMN),
      16,
    );

  test('sixteen cores are shared out whole', () => {
    expect(shared(1)).toEqual([16]);
    expect(shared(2)).toEqual([8, 8]);
    expect(shared(3)).toEqual([6, 5, 5]);
    expect(shared(16)).toEqual(Array(16).fill(1));
    expect(shared(20)).toEqual(Array(20).fill(1));
  });

  test('a run with threads of its own keeps them; the others share the rest', () => {
    expect(shareThreads([{ threads: 4 }, { threads: null }, { threads: null }], 16)).toEqual([4, 6, 6]);
  });

  test('runs that fit never have more threads than cores, unless more runs than cores were asked for', () => {
    const demands = fc.array(fc.record({ threads: fc.option(fc.integer({ min: 1, max: 20 })) }), { minLength: 1 });
    const holds = () =>
      fc.assert(
        fc.property(
          demands,
          fc.integer({ min: 1, max: 64 }),
          fc.integer({ min: 2, max: 20 }),
          (wanted, cores, most) => {
            const training: Demand[] = [];
            for (const { threads } of wanted) {
              const next = { ...AMN, threads };
              if (fits(next, { training, paused: [] }, most, { ...WORKSTATION, cores })) training.push(next);
            }
            const total = shareThreads(training, cores).reduce((a, b) => a + b, 0);
            return training.length === 1 || total <= Math.max(cores, most);
          },
        ),
      );
    expect(holds).not.toThrow();
  });
});

describe('--parallel auto', () => {
  test('measures one run on all cores, two on half of them, and so on', () => {
    expect(candidates(1)).toEqual([1]);
    expect(candidates(16)).toEqual([1, 2, 4, 8, 16]);
    expect(candidates(12)).toEqual([1, 2, 4, 8, 12]);
  });

  test('no more than wait, than the cores, than the memory holds, than there are GPUs', () => {
    expect(mostAtOnce(AMN, 40, WORKSTATION)).toBe(16);
    expect(mostAtOnce(AMN, 5, WORKSTATION)).toBe(5);
    expect(mostAtOnce({ ...AMN, threads: 4 }, 40, WORKSTATION)).toBe(4);
    expect(mostAtOnce({ ...AMN, memoryBytes: 20 * GIB }, 40, WORKSTATION)).toBe(2);
    expect(mostAtOnce({ ...AMN, usesDevice: true }, 40, WORKSTATION)).toBe(1);
    expect(mostAtOnce({ ...AMN, memoryBytes: 100 * GIB }, 40, WORKSTATION)).toBe(1);
  });

  test('takes the fewest runs within 5 % of the fastest', () => {
    const share = (runs: number, rowsPerSecond: number) => ({ runs, threads: 16 / runs, rowsPerSecond });
    const measured = [share(1, 5000), share(2, 9000), share(4, 15_000), share(8, 15_500), share(16, 14_000)];
    expect(bestShare(measured).runs).toBe(4);
    expect(bestShare([share(1, 100), share(2, 90)]).runs).toBe(1);
  });
});
