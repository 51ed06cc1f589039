/** The tiles of matrix products on a GPU: measured once, kept in the record of runs, used again by them. */
import Database from 'better-sqlite3';
import { expect, it } from 'vitest';
import type { Adapter } from '#shared/domain/runs/adapter.ts';
import { product } from '#engine/webgpu/products/gemm.ts';
import { Program } from '#engine/webgpu/program.ts';
import { rowsOf } from '#engine/webgpu/rows.ts';
import { bestShape, tilingFor } from '#engine/webgpu/products/tiling.ts';
import { knownTilings } from '../../../src/main/runs/live/trainer-job.ts';
import type { Home } from '../../../src/main/store/home.ts';
import { describeWebgpu, GpuBench } from '../../support/webgpu.ts';

const ADAPTER: Adapter = {
  vendor: 'apple',
  architecture: 'metal-3',
  device: 'Apple M1 Max',
  description: 'macOS 15.5',
  isSoftware: false,
  maxBindingBytes: 2 ** 32,
  maxBufferBytes: 2 ** 32,
};
const WORDS = 'Apple M1 Max, metal-3 (macOS 15.5)';
const MEASURED = { few: '32x32x2', many: '64x32x2' };

it.each([
  ['the fastest', { '32x32x4': 10, '32x32x2': 9, '64x64x1': 12 }, '32x32x2'],
  ['the default where another is hardly faster', { '32x32x4': 10, '32x32x2': 9.6, '64x64x1': 12 }, '32x32x4'],
])('%s is taken', (_, times, shape) => {
  expect(bestShape(times, '32x32x4')).toBe(shape);
});

it.each([
  [
    'a known tiling of the device',
    { [WORDS]: { few: '64x32x2', many: '64x64x1' } },
    { few: '64x32x2', many: '64x64x1' },
  ],
  ['a measurement where only another driver is known', { 'Apple M1 Max, metal-3 (macOS 14.0)': MEASURED }, MEASURED],
  ['a measurement where another version named the tiles', { [WORDS]: { few: '16x16x1', many: '64x64x1' } }, MEASURED],
])('%s is used', async (_, known, expected) => {
  expect(await tilingFor(ADAPTER, known, async () => MEASURED)).toEqual(expected);
});

it('a run goes on with its own tiling; a new run takes that of the newest run on the device', () => {
  const db = new Database(':memory:');
  db.exec('CREATE TABLE runs (number INTEGER, engine_json TEXT)');
  const put = db.prepare('INSERT INTO runs VALUES (?, ?)');
  const record = (few: string) =>
    JSON.stringify({ name: 'webgpu', adapter: ADAPTER, tiling: { few, many: '64x64x1' } });
  put.run(2, record('32x32x2'));
  put.run(1, record('32x32x4'));
  put.run(3, JSON.stringify({ name: 'simd' }));
  put.run(4, null);
  const of = (engine_json: string | null) => knownTilings({ db } as Home, { engine_json })[WORDS].few;
  expect(of(null)).toBe('32x32x2');
  expect(of(record('64x32x2'))).toBe('64x32x2');
  db.close();
});

describeWebgpu('a program', () => {
  it('has products of the tiles of its device', () => {
    const { gpu, pipelines, memory } = new GpuBench();
    const device = Object.create(gpu, { tiling: { value: MEASURED } });
    const program = new Program(device, pipelines, memory.uniform('test', 256));
    const [B, K, N] = [64, 8, 64];
    const rows = (columns: number) => rowsOf(memory.tensor('test', B * columns), columns);
    product(program, 'few', { x: rows(K), weight: memory.tensor('test', N * K), out: rows(N) });
    expect(
      program.kernels(B).map(({ kernel, groups }) => [/workgroup_size\(\d+\)/.exec(kernel.code)?.[0], groups(B)]),
    ).toEqual([
      // 32 × 32, two slices of 64 threads.
      ['workgroup_size(128)', [2, 2]],
    ]);
    memory.dispose();
  });
});
