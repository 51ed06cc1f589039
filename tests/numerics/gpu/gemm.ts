/** The products of a Linear on WebGPU against float64, for sizes that are multiples of the tile and for others. */
import { expect, it } from 'vitest';
import { Random } from '#engine/random.ts';
import { inputProduct, product, weightProduct } from '#engine/webgpu/products/gemm.ts';
import { rowsOf, rowStart, stepOf } from '#engine/webgpu/rows.ts';
import { DEFAULT_TILING, TILE_SHAPES } from '#engine/webgpu/products/tile-shapes.ts';
import { tileKernel } from '#engine/webgpu/products/tiles.ts';
import { linearForward, linearInputGradient, linearWeightGradient } from '../../reference/linear.ts';
import { describeWebgpu, GpuBench } from '../../support/webgpu.ts';

interface Size {
  readonly B: number;
  readonly K: number;
  readonly N: number;
}

const SIZES: readonly Size[] = [
  { B: 5, K: 24, N: 40 },
  { B: 1, K: 1, N: 1 },
  { B: 33, K: 7, N: 35 },
  { B: 32, K: 130, N: 10 },
  // Enough for large tiles.
  { B: 520, K: 20, N: 770 },
  { B: 515, K: 21, N: 771 },
];

function values(count: number, seed: number): Float32Array {
  const random = new Random(seed);
  return Float32Array.from({ length: count }, () => random.uniform() * 2 - 1);
}

/** Relative L2 error. */
function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>): void {
  expect(actual.length).toBe(expected.length);
  let [error, norm] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    error += (actual[i] - expected[i]) ** 2;
    norm += expected[i] ** 2;
  }
  expect(Math.sqrt(error / norm)).toBeLessThan(2e-6);
}

function add(a: ArrayLike<number>, b: ArrayLike<number>): Float64Array {
  return Float64Array.from(a, (x, i) => x + b[i]);
}

/** Few: of all kernels, a software adapter compiles tiles most slowly. */
const TILED_SIZES: readonly Size[] = [
  { B: 5, K: 24, N: 40 },
  { B: 515, K: 21, N: 771 },
];

const VARIANTS = [
  { by: 'tiles', tiling: DEFAULT_TILING, sizes: TILED_SIZES },
  { by: 'plain kernels', tiling: null, sizes: SIZES },
];

const SLICED = Object.entries(TILE_SHAPES).filter(([, { slices }]) => slices > 1);

describeWebgpu.each(VARIANTS)('webgpu matrix products by $by', ({ tiling, sizes }) => {
  const options = { tiling };

  it.each(sizes)('outputs: $B rows, $K inputs, $N outputs', async ({ B, K, N }) => {
    const bench = new GpuBench();
    const [x, w, bias, before] = [values(B * K, 1), values(N * K, 2), values(N, 3), values(B * N, 4)];
    const out = bench.tensor(before);
    const forward = { x: rowsOf(bench.tensor(x), K), weight: bench.tensor(w), out: rowsOf(out, N) };
    bench.run(B, (program) => product(program, 'test', { ...forward, bias: bench.tensor(bias) }), options);
    expectClose(await bench.read(out), linearForward(x, w, bias, B, K, N));
    bench.memory.write(out, before);
    bench.run(B, (program) => product(program, 'test', { ...forward, accumulate: true }), options);
    expectClose(await bench.read(out), add(before, linearForward(x, w, undefined, B, K, N)));
  });

  it.each(sizes)('input gradient: $B rows, $K inputs, $N outputs', async ({ B, K, N }) => {
    const bench = new GpuBench();
    const [dy, w] = [values(B * N, 1), values(N * K, 2)];
    const dx = bench.tensor(new Float32Array(B * K));
    const backward = { dy: rowsOf(bench.tensor(dy), N), weight: bench.tensor(w), dx: rowsOf(dx, K) };
    bench.run(B, (program) => inputProduct(program, 'test', backward), options);
    expectClose(await bench.read(dx), linearInputGradient(dy, w, B, K, N));
  });

  it.each(sizes)('weight gradient: $B rows, $K inputs, $N outputs', async (size) => {
    const { B, K, N } = size;
    const bench = new GpuBench();
    const [x, dy] = [values(B * K, 1), values(B * N, 2)];
    const [dweight, dbias] = [bench.tensor(new Float32Array(N * K)), bench.tensor(new Float32Array(N))];
    const backward = { x: rowsOf(bench.tensor(x), K), dy: rowsOf(bench.tensor(dy), N), dweight, dbias };
    bench.run(B, (program) => weightProduct(program, 'test', backward), options);
    const expected = linearWeightGradient(x, dy, B, K, N);
    expectClose(await bench.read(dweight), expected.dw);
    expectClose(await bench.read(dbias), expected.dbias);
  });
});

describeWebgpu('webgpu matrix products', () => {
  it.each(SLICED)('tiles of %s, whose slices share the sum', async (_, shape) => {
    const [B, K, N] = [37, 150, 43];
    const bench = new GpuBench();
    const [x, dy] = [values(B * K, 1), values(B * N, 2)];
    const [a, b] = [rowsOf(bench.tensor(dy), N), rowsOf(bench.tensor(x), K)];
    const tensors = { out: bench.tensor(new Float32Array(N * K)), bias: bench.tensor(new Float32Array(N)) };
    const kernel = tileKernel({
      label: 'test',
      shape,
      M: `${N}u`,
      N: `${K}u`,
      K: 'u.B',
      a: { contiguous: 'output', rows: 'u.B', columns: `${N}u`, start: (row) => rowStart(a, row), vectorised: false },
      b: { contiguous: 'output', rows: 'u.B', columns: `${K}u`, start: (row) => rowStart(b, row), vectorised: false },
      out: { start: (row) => `(${row}) * ${K}u`, vectorised: false, accumulate: false },
      bias: 'summed',
      biasOffset: 0,
    });
    bench.run(B, (program) =>
      program.add(kernel, { a: a.tensor, b: b.tensor, ...tensors }, () => [
        Math.ceil(N / shape.rows),
        Math.ceil(K / shape.columns),
      ]),
    );
    const expected = linearWeightGradient(x, dy, B, K, N);
    expectClose(await bench.read(tensors.out), expected.dw);
    expectClose(await bench.read(tensors.bias), expected.dbias);
  });

  it('one step of a sequence whose items have room for more rows, on fewer rows than there is room for', async () => {
    const [B, T, K, N] = [3, 4, 8, 12];
    const bench = new GpuBench();
    const [x, w] = [values(8 * T * K, 1), values(N * K, 2)];
    const out = bench.tensor(new Float32Array(8 * T * N).fill(7));
    const sequence = rowsOf(bench.tensor(x), K, T);
    const outputs = rowsOf(out, N, T);
    bench.run(B, (program) =>
      product(program, 'test', { x: stepOf(sequence, 2), weight: bench.tensor(w), out: stepOf(outputs, 2) }),
    );
    const result = await bench.read(out);
    const expected = new Float64Array(8 * T * N).fill(7);
    for (let b = 0; b < B; b++) {
      const row = b * T + 2;
      expected.set(linearForward(x.subarray(row * K, (row + 1) * K), w, undefined, 1, K, N), row * N);
    }
    expectClose(result, expected);
  });

  it('all pairs of rows of two batches, and the gradient through them', async () => {
    const [B, maxB, D] = [6, 9, 20];
    const bench = new GpuBench();
    const [x, y, p] = [values(maxB * D, 1), values(maxB * D, 2), values(maxB * maxB, 3)];
    const others = rowsOf(bench.tensor(y), D);
    const out = bench.tensor(new Float32Array(maxB * maxB));
    bench.run(B, (program) =>
      product(program, 'test', { x: rowsOf(bench.tensor(x), D), weight: others, out: rowsOf(out, maxB) }),
    );
    const pairs = linearForward(x, y, undefined, B, D, B);
    const rows = await bench.read(out);
    for (let b = 0; b < B; b++) expectClose(rows.subarray(b * maxB, b * maxB + B), pairs.subarray(b * B, (b + 1) * B));

    p.fill(Number.NaN, B * maxB);
    for (let b = 0; b < B; b++) p.fill(Number.NaN, b * maxB + B, (b + 1) * maxB);
    const dx = bench.tensor(new Float32Array(maxB * D));
    bench.run(B, (program) =>
      inputProduct(program, 'test', { dy: rowsOf(bench.tensor(p), maxB), weight: others, dx: rowsOf(dx, D) }),
    );
    const compact = Float32Array.from({ length: B * B }, (_, i) => p[Math.floor(i / B) * maxB + (i % B)]);
    expectClose((await bench.read(dx)).subarray(0, B * D), linearInputGradient(compact, y, B, D, B));
  });
});
