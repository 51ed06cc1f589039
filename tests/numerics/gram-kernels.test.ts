/** Kernels of dense products, Cholesky solutions and the Gram mixture's rows against plain references, in every build. */
import { beforeAll, describe, expect, test } from 'vitest';
import { choleskyFactor, choleskySolve, plainProduct } from '#engine/evaluation/matrix.ts';
import { paddedFeatures, roundUp, type Matrix } from '#engine/simd/layout.ts';
import {
  AddProduct,
  CHOLESKY_BLOCK,
  CholeskyDivide,
  CholeskyFactor,
  CholeskyUpdate,
  PackColumns,
  PackRows,
  Product,
  PRODUCT_UNIT_STRIPS,
  SubstituteBack,
} from '#engine/simd/abi/dense.ts';
import {
  KeyRows,
  Nearest,
  NEAREST_CHUNK,
  NEAREST_PANELS,
  NeighbourMeans,
  PairProducts,
  SkipRows,
  UnitVectors,
  WINDOW_UNIT_ROWS,
} from '#engine/simd/abi/gram.ts';
import * as reference from '../reference/gram.ts';
import { relativeError } from '#engine/verify.ts';
import { KernelBench, KERNELS, normals, prepareKernels } from '../support/kernels.ts';

beforeAll(prepareKernels);

const windowUnits = (rows: number) => Math.ceil(rows / WINDOW_UNIT_ROWS);

/** Room for `count` strips of `lanes`, in pairs, each `depth` long. */
function strips(bench: KernelBench, count: number, lanes: number, depth: number): Matrix {
  const pitch = depth * lanes * 4;
  return { at: bench.arena.bytes(pitch * roundUp(Math.ceil(count / lanes), 2)), pitch, features: count };
}

const from = (rows: Matrix, count: number) => ({ rows: rows.at, pitch: rows.pitch, count });
const to = (out: Matrix) => ({ out: out.at, outPitch: out.pitch });

function rowsOf(values: Float32Array, width: number): Float64Array[] {
  return Array.from({ length: values.length / width }, (_, r) =>
    Float64Array.from(values.subarray(r * width, (r + 1) * width)),
  );
}

function transpose(x: Float32Array, rows: number, columns: number): Float32Array {
  return Float32Array.from({ length: x.length }, (_, i) => x[(i % rows) * columns + Math.floor(i / rows)]);
}

describe.each(KERNELS)('%s, wide tiles %s', (variant, wide) => {
  test.each([
    [9, 5, 7],
    [48, 24, 16],
    [37, 900, 130],
  ])('product of rows: %i windows, %i inputs, %i outputs', (B, K, N) => {
    const bench = new KernelBench(variant, wide);
    const x = bench.arena.rows(K, roundUp(B, 16));
    const w = bench.arena.rows(K, N);
    const out = bench.arena.rows(N, roundUp(B, 16));
    const a = strips(bench, N, 12, K);
    const b = strips(bench, B, 8, K);
    bench.open();
    const values = { x: normals(1, B * K), w: normals(2, N * K) };
    bench.writeRows(x, values.x, B);
    bench.writeRows(w, values.w, N);
    const aStrips = Math.ceil(N / 12);
    bench.run((program) => {
      program.add('w', PackRows, aStrips, { ...from(w, N), columns: K, lanes: 12, ...to(a) });
      program.add('x', PackRows, Math.ceil(B / 8), { ...from(x, B), columns: K, lanes: 8, ...to(b) });
      program.barrier();
      program.add('product', Product, Math.ceil(aStrips / PRODUCT_UNIT_STRIPS), {
        a: a.at,
        aPitch: a.pitch,
        aStrips,
        b: b.at,
        bPitch: b.pitch,
        bStrips: roundUp(Math.ceil(B / 8), 2),
        K,
        ...to(out),
      });
    });
    const expected = plainProduct(values.x, transpose(values.w, N, K), B, K, N);
    expect(relativeError(bench.readRows(out, B), expected)).toBeLessThan(2e-6);
  });

  test('sums of products of columns, twice, on and above the diagonal', () => {
    const B = 50;
    const F = 72;
    const bench = new KernelBench(variant, wide);
    const x = bench.arena.rows(F, B);
    const a = strips(bench, F, 12, B);
    const b = strips(bench, F, 8, B);
    const pitch = roundUp(F, 16) * 8;
    const sums = bench.arena.bytes(F * pitch);
    bench.open();
    const values = normals(3, B * F);
    bench.writeRows(x, values, B);
    for (let time = 0; time < 2; time++) {
      bench.run((program) => {
        program.add('a', PackColumns, F / 12, { ...from(x, B), lanes: 12, ...to(a) });
        program.add('b', PackColumns, F / 8, { ...from(x, B), lanes: 8, ...to(b) });
        program.barrier();
        program.add('sum', AddProduct, Math.ceil(F / 12 / PRODUCT_UNIT_STRIPS), {
          a: a.at,
          aPitch: a.pitch,
          aStrips: F / 12,
          b: b.at,
          bPitch: b.pitch,
          bStrips: roundUp(F / 8, 2),
          K: B,
          out: sums,
          outPitch: pitch,
        });
      });
    }
    const expected = plainProduct(transpose(values, B, F), values, F, B, F);
    const found = bench.doubles(sums, (F * pitch) / 8);
    for (let i = 0; i < F; i++) {
      for (let j = i; j < F; j++)
        expect(Math.abs(found[(i * pitch) / 8 + j] - 2 * expected[i * F + j])).toBeLessThan(1e-4);
    }
  });

  test.each([
    [24, 24],
    [72, 48],
    [120, 24],
  ])('Cholesky solution: %i unknowns, %i right-hand sides', (N, M) => {
    const bench = new KernelBench(variant, wide);
    const at = bench.arena.bytes((N + M) * N * 8);
    bench.open();
    const x = normals(4, 2 * N * N);
    const matrix = Float64Array.from(plainProduct(transpose(x, 2 * N, N), x, N, 2 * N, N));
    const right = Float64Array.from(normals(5, N * M));
    const system = bench.doubles(at, (N + M) * N);
    system.set(matrix);
    for (let m = 0; m < M; m++) for (let n = 0; n < N; n++) system[(N + m) * N + n] = right[n * M + m];
    const place = { matrix: at, pitch: N * 8 };
    const units = (first: number) => Math.ceil((N + M - first) / CHOLESKY_BLOCK);
    for (let first = 0; first < N; first += CHOLESKY_BLOCK) {
      const below = { ...place, rows: N + M, first };
      bench.run((program) => {
        program.add('update', CholeskyUpdate, units(first), below);
        program.barrier();
        program.add('factor', CholeskyFactor, 1, { ...place, first });
        program.barrier();
        program.add('divide', CholeskyDivide, units(first + CHOLESKY_BLOCK), below);
      });
    }
    bench.run((program) => program.add('back', SubstituteBack, M / CHOLESKY_BLOCK, { ...place, N, M }));
    choleskyFactor(matrix, N);
    choleskySolve(matrix, N, right, M);
    const found = Float64Array.from({ length: N * M }, (_, i) => system[(N + (i % M)) * N + Math.floor(i / M)]);
    expect(relativeError(found, right)).toBeLessThan(1e-11);
  });

  test('rows of windows: unit length, skip and residual, keys, products of all pairs', () => {
    const T = 3;
    const D = 21;
    const B = 19;
    const L = paddedFeatures(D);
    const bytes = L * 4;
    const bench = new KernelBench(variant, wide);
    const vectors = bench.arena.bytes(B * (T + 1) * bytes);
    const features = bench.arena.bytes(B * 3 * bytes);
    const keys = bench.arena.rows(D, B);
    const mu = bench.arena.bytes(bytes);
    const weights = bench.arena.floats(T);
    const products = bench.arena.floats((B * (T + 1) * (T + 2)) / 2);
    bench.open();
    const values = normals(6, B * (T + 1) * D);
    const mean = normals(7, D);
    const w = normals(8, T);
    bench.writeRows({ at: vectors, pitch: bytes, features: D }, values, B * (T + 1));
    bench.floats(mu, D).set(mean);
    bench.floats(weights, T).set(w);
    const windows = { rows: vectors, pitch: (T + 1) * bytes, count: B, vectorBytes: bytes };
    bench.run((program) => {
      program.add('unit', UnitVectors, windowUnits(B), { ...windows, vectors: T + 1 });
      program.barrier();
      const skip = { T, weights, target: T * bytes, out: features, outPitch: 3 * bytes };
      program.add('skip', SkipRows, windowUnits(B), { ...windows, ...skip });
      program.add('pairs', PairProducts, windowUnits(B), { ...windows, vectors: T + 1, out: products });
      program.barrier();
      const rows = { rows: features, pitch: 3 * bytes, count: B, vectorBytes: bytes };
      program.add('keys', KeyRows, windowUnits(B), { ...rows, mean: mu, ...to(keys) });
    });
    const unit = rowsOf(values, D).map(reference.unitVector);
    const expected = Array.from({ length: B }, (_, row) => unit.slice(row * (T + 1), (row + 1) * (T + 1)));
    const skips = expected.map((vectorsOf) => reference.skip(vectorsOf.slice(0, T), w));
    const residuals = expected.map((vectorsOf, row) => vectorsOf[T].map((y, d) => y - skips[row][d]));
    const feature = (slot: number) => bench.readRows({ at: features + slot * bytes, pitch: 3 * bytes, features: D }, B);
    const flat = (rows: readonly ArrayLike<number>[]) => Float64Array.from(rows.flatMap((row) => Array.from(row)));
    expect(relativeError(feature(0), flat(skips))).toBeLessThan(1e-6);
    expect(relativeError(feature(1), flat(expected.map((of) => of[T - 1])))).toBeLessThan(1e-6);
    expect(relativeError(feature(2), flat(residuals))).toBeLessThan(1e-6);
    const expectedKeys = skips.map((p) => reference.key(p, Float64Array.from(mean)));
    expect(relativeError(bench.readRows(keys, B), flat(expectedKeys))).toBeLessThan(2e-6);
    const pairs = flat(expected.map(reference.pairProducts));
    expect(relativeError(bench.floats(products, pairs.length), pairs)).toBeLessThan(1e-6);
  });

  test.each([
    [3, 40, 7],
    [70, 2 * NEAREST_CHUNK + 17, 30],
    [33, 256, 256],
  ])('nearest of %i queries among %i keys, %i of them, and their means', (B, keys, k) => {
    const D = 24;
    const bench = new KernelBench(variant, wide);
    const queryRows = bench.arena.rows(D, B);
    const keyRows = bench.arena.rows(D, keys);
    const valueRows = bench.arena.rows(D, keys);
    const queries = strips(bench, roundUp(B, NEAREST_PANELS * 8), 8, D);
    const packed = strips(bench, keys, 12, D);
    const similarities = bench.arena.floats(B * k);
    const ids = bench.arena.floats(B * k);
    const out = bench.arena.rows(D, B);
    bench.open();
    // Small integers: products are exact, and many are equal.
    const integers = (seed: number, count: number) => normals(seed, count, 2).map(Math.round);
    const values = { q: integers(9, B * D), k: integers(10, keys * D), v: normals(11, keys * D) };
    bench.writeRows(queryRows, values.q, B);
    bench.writeRows(keyRows, values.k, keys);
    bench.writeRows(valueRows, values.v, keys);
    const use = Math.ceil(k / 2);
    bench.run((program) => {
      program.add('keys', PackRows, Math.ceil(keys / 12), {
        ...from(keyRows, keys),
        columns: D,
        lanes: 12,
        ...to(packed),
      });
      program.add('queries', PackRows, Math.ceil(B / 8), {
        ...from(queryRows, B),
        columns: D,
        lanes: 8,
        ...to(queries),
      });
      program.barrier();
      const lists = { similarities, ids, k };
      program.add('nearest', Nearest, Math.ceil(B / 8 / NEAREST_PANELS), {
        keys: packed.at,
        keyPitch: packed.pitch,
        keyCount: keys,
        queries: queries.at,
        queryPitch: queries.pitch,
        queryCount: B,
        features: D,
        ...lists,
      });
      program.barrier();
      const values = { values: valueRows.at, valuePitch: valueRows.pitch, vectorBytes: D * 4 };
      program.add('means', NeighbourMeans, B, { ...lists, use, sharpness: { float: 0.1 }, ...values, ...to(out) });
    });
    const [keyVectors, valueVectors] = [rowsOf(values.k, D), rowsOf(values.v, D)];
    const found = bench.readRows(out, B);
    rowsOf(values.q, D).forEach((query, row) => {
      const list = reference.nearest(query, keyVectors, k);
      const at = row * k * 4;
      expect([...new Int32Array(bench.buffer, ids + at, k)]).toEqual(list.map(({ id }) => id));
      expect([...bench.floats(similarities + at, k)]).toEqual(list.map(({ similarity }) => similarity));
      const mean = reference.neighbourMean(list.slice(0, use), 10, valueVectors);
      expect(relativeError(found.subarray(row * D, (row + 1) * D), mean)).toBeLessThan(2e-6);
    });
  });
});
