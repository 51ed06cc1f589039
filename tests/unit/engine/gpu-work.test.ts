/** What bench/gpu.ts counts: work of a product by its extents, of other kernels by their buffers. */
import { expect, it } from 'vitest';
import { product } from '#engine/webgpu/products/gemm.ts';
import { READ, WRITE } from '#engine/webgpu/kernel.ts';
import { Program } from '#engine/webgpu/program.ts';
import { rowsOf, stepOf } from '#engine/webgpu/rows.ts';
import { accesses, floorSeconds, workOf } from '../../../bench/support/gpu-work.ts';
import { describeWebgpu, GpuBench } from '../../support/webgpu.ts';

it.each([
  ['out[at[i]] = x[i];', { reads: 0, writes: 1 }],
  ['out[i] += x[i];', { reads: 1, writes: 1 }],
  ['out[i] = fma(out[i], out[i + 1u], x[i]);', { reads: 2, writes: 1 }],
  ['if (out[i] == 0.0) { return; } out[i]\n  = 1.0;', { reads: 1, writes: 1 }],
])('accesses to `out` of `%s`', (code, expected) => {
  expect(accesses({ label: 'test', buffers: { x: READ, out: WRITE }, code }, 'out')).toEqual(expected);
});

it('the floor is the slower of arithmetic and memory', () => {
  const device = { name: 'test', flops: 100, bytesPerSecond: 10 };
  expect(floorSeconds({ flop: 200, bytes: 10 }, device)).toBe(2);
  expect(floorSeconds({ flop: 200, bytes: 50 }, device)).toBe(5);
});

describeWebgpu('work of a program', () => {
  it('counts products by their extents, other kernels by their buffers, and only what runs', () => {
    const bench = new GpuBench();
    const [B, T, K, N] = [6, 4, 8, 12];
    const tensor = (length: number) => bench.memory.tensor('test', length);
    const program: Program = bench.run(B, (p) => {
      const x = stepOf(rowsOf(tensor(B * T * K), K, T), 1);
      product(p, 'product', { x, weight: tensor(N * K), bias: tensor(N), out: rowsOf(tensor(B * N), N) });
      const main = '@compute @workgroup_size(4) fn main(@builtin(local_invocation_index) i: u32)';
      const copy = { label: 'copy', buffers: { x: READ, out: WRITE }, code: `${main} { out[i] = x[i] + x[i + 4u]; }` };
      p.add(copy, { x: tensor(10), out: tensor(20) }, () => [3]);
      const loop = { ...copy, code: `${main} { for (var k = i; k < 10u; k += 4u) { out[k] = x[k]; } }` };
      p.add(loop, { x: tensor(10), out: tensor(20) }, () => [1]);
      p.add({ label: 'idle', buffers: { out: WRITE }, code: '' }, { out: tensor(1000) }, () => null);
    });
    const bytes = 4 * (B * K + N * K + N + B * N) + 4 * (10 + 12) + 4 * (10 + 20);
    expect(workOf([program], B)).toEqual({ dispatches: 3, flop: 2 * B * K * N, bytes });
    bench.memory.dispose();
  });
});
