/** The simd kernels shared by LSTM, GRU and Transformer against their plain references, in every build. */
import { beforeAll, describe, expect, test } from 'vitest';
import { BatchInput } from '#engine/simd/input.ts';
import { Dropout, writeDropoutKeys } from '#engine/simd/layers/dropout.ts';
import { FeedForward } from '#engine/simd/layers/feed-forward.ts';
import { ResidualNorm } from '#engine/simd/layers/residual-norm.ts';
import { combine, combineGradient, SequenceInput, sequenceRows } from '#engine/simd/layers/sequence.ts';
import { ParameterBank } from '#engine/simd/parameters.ts';
import { layerNorm, layerNormGradient } from '../reference/activations.ts';
import { linearForward, linearInputGradient } from '../reference/linear.ts';
import { relativeError } from '#engine/verify.ts';
import { KernelBench, KERNELS, normals, prepareKernels } from '../support/kernels.ts';
import { add, dropoutMask, multiply, runTraining, SEED, STEP } from '../support/simd-layers.ts';

beforeAll(prepareKernels);

function checkSequenceInput(bench: KernelBench, { B, T, D }: { B: number; T: number; D: number }): void {
  const input = new BatchInput(bench.arena, T, D, B);
  const sequence = new SequenceInput(bench.arena, input, B);
  bench.open();
  const x = normals(1, B * T * D);
  bench.writeRows(input.contexts[0], x, B * T);
  // Rows beyond B hold values of an earlier, larger batch; they must not be read.
  bench.floats(sequence.panel.at, sequence.panel.pitch / 4).fill(Number.NaN);
  bench.run((program) => sequence.forward(program, 0, B));
  const rows = sequenceRows(T, B);
  const expected = new Float32Array(rows * D);
  for (let t = 0; t < T; t++) {
    for (let b = 0; b < B; b++) {
      expected.set(x.subarray((b * T + t) * D, (b * T + t + 1) * D), (sequenceRows(t, B) + b) * D);
    }
  }
  expect(bench.readPanel(sequence.panel, rows)).toEqual(expected);
  expect(bench.readStrip(sequence.strip, 12, rows)).toEqual(expected);
  const inverse = bench.floats(input.inverseNorms, B * T);
  const norms = Float64Array.from({ length: B * T }, (_, i) => 1 / Math.hypot(...x.subarray(i * D, (i + 1) * D)));
  expect(relativeError(inverse, norms)).toBeLessThan(1e-6);
}

function checkCombine(bench: KernelBench): void {
  const [B, T, F] = [16, 3, 30];
  const rows = sequenceRows(T, B);
  const { arena } = bench;
  const [out, a, b, sum] = Array.from({ length: 4 }, () => arena.panel(F, rows));
  const last = arena.panel(F, B);
  const [strip12, strip8] = [arena.strip12(F, rows), arena.strip8(F, rows)];
  const positions = arena.floats(T * F);
  bench.open();
  const [x, y, z, table] = [normals(1, rows * F), normals(2, rows * F), normals(3, B * F), normals(4, T * F)];
  bench.writePanel(a, x, rows);
  bench.writePanel(b, y, rows);
  bench.writePanel(last, z, B);
  bench.floats(positions, T * F).set(table);
  bench.run((program) => {
    combine(program, 'sum', { out, sources: [a, b], steps: T, B, strip12, positions });
    combineGradient(program, 'gradient', { everywhere: [a, b], last: [last] }, { panel: sum, strip: strip8, T, B });
  });
  const place = (i: number) => table[Math.floor(i / (B * F)) * F + (i % F)];
  const expected = Float64Array.from(x, (value, i) => value + y[i] + place(i));
  expect(relativeError(bench.readPanel(out, rows), expected)).toBeLessThan(1e-7);
  expect(bench.readStrip(strip12, 12, rows)).toEqual(bench.readPanel(out, rows));
  const gradient = Float64Array.from(x, (value, i) => value + y[i] + (z[i - 2 * B * F] ?? 0));
  expect(relativeError(bench.readPanel(sum, rows), gradient)).toBeLessThan(1e-7);
  expect(bench.readStrip(strip8, 8, rows)).toEqual(bench.readPanel(sum, rows));
}

function checkDropout(bench: KernelBench): void {
  const [rows, F, p] = [64, 250, 0.2];
  const { arena, hyper } = bench;
  const [x, y, z] = Array.from({ length: 3 }, () => arena.panel(F, rows));
  const strip = arena.strip12(F, rows);
  bench.open();
  bench.writePanel(x, new Float32Array(rows * F).fill(1), rows);
  runTraining(bench, (program) => {
    new Dropout(p, 1, hyper).apply(program, x, y, rows, strip);
    new Dropout(p, 2, hyper).apply(program, x, z, rows);
  });
  const mask = dropoutMask(bench, 1, rows, F, p);
  const first = bench.readPanel(y, rows);
  expect(first).toEqual(Float32Array.from(mask));
  expect(bench.readStrip(strip, 12, rows)).toEqual(first);
  const share = mask.filter((m) => m === 0).length / mask.length;
  expect(Math.abs(share - p)).toBeLessThan(4 * Math.sqrt((p * (1 - p)) / mask.length));
  const agree = (other: ArrayLike<number>) =>
    first.filter((m, i) => (m === 0) === (other[i] === 0)).length / mask.length;
  const chance = p * p + (1 - p) * (1 - p);
  expect(Math.abs(agree(bench.readPanel(z, rows)) - chance)).toBeLessThan(0.02);
  writeDropoutKeys(new DataView(bench.buffer), hyper, SEED, STEP + 1);
  expect(Math.abs(agree(dropoutMask(bench, 1, rows, F, p)) - chance)).toBeLessThan(0.02);
  bench.run((program) => new Dropout(p, 1, hyper).apply(program, x, y, rows));
  expect(bench.readPanel(y, rows)).toEqual(new Float32Array(rows * F).fill(1));
}

function checkFeedForward(bench: KernelBench, p: number): void {
  const [B, T, H, F] = [8, 2, 10, 30];
  const rows = sequenceRows(T, B);
  const { arena, hyper } = bench;
  const bank = new ParameterBank();
  const context = { arena, hyper, maxB: B, input: new BatchInput(arena, T, H, B) };
  const layer = new FeedForward(bank, context, 'layer', { H, F, steps: T }, new Dropout(p, 4, hyper));
  const [x, out] = [arena.panel(H, rows), arena.panel(H, rows)];
  const [xStrip, outStrip] = [arena.strip12(H, rows), arena.strip8(H, rows)];
  bank.place(arena);
  bench.open();
  const [w1, b1, w2, b2] = [normals(1, F * H), normals(2, F), normals(3, H * F), normals(4, H)];
  const weights = [
    ['layer.linear1.weight', w1],
    ['layer.linear1.bias', b1],
    ['layer.linear2.weight', w2],
    ['layer.linear2.bias', b2],
  ] as const;
  bank.write(bench.buffer, 'weights', new Map(weights));
  const [input, dy] = [normals(5, rows * H), normals(6, rows * H)];
  bench.writePanel(x, input, rows);
  bench.writePanel(out, dy, rows);
  runTraining(bench, (program) => layer.forward(program, x, out, B));
  const mask = dropoutMask(bench, 4, rows, F, p);
  const z = linearForward(input, w1, b1, rows, H, F);
  const hidden = multiply(
    z.map((v) => Math.max(v, 0)),
    mask,
  );
  expect(relativeError(bench.readPanel(out, rows), linearForward(hidden, w2, b2, rows, F, H))).toBeLessThan(2e-6);
  bench.writePanel(out, dy, rows);
  runTraining(bench, (program) => layer.backward(program, out, B));
  const dhidden = multiply(linearInputGradient(dy, w2, rows, F, H), mask).map((g, i) => (z[i] > 0 ? g : 0));
  expect(relativeError(bench.readPanel(layer.dx, rows), linearInputGradient(dhidden, w1, rows, H, F))).toBeLessThan(
    2e-6,
  );
  const [first, second] = layer.weightTerms({ panel: x, strip: xStrip }, { panel: out, strip: outStrip }, B);
  expect(relativeError(bench.readStrip(first.gradientStrip, 8, rows), dhidden)).toBeLessThan(2e-6);
  expect(relativeError(bench.readStrip(second.inputStrip, 12, rows), hidden)).toBeLessThan(2e-6);
}

function checkResidualNorm(bench: KernelBench, { p, lastGradient }: { p: number; lastGradient: boolean }): void {
  const [B, T, F] = [16, 3, 30];
  const rows = sequenceRows(T, B);
  const { arena, hyper } = bench;
  const bank = new ParameterBank();
  const norm = new ResidualNorm(bank, arena, 'norm', { F, steps: T, maxB: B }, new Dropout(p, 3, hyper));
  const [x, d1, d2] = Array.from({ length: 3 }, () => arena.panel(F, rows));
  const last = arena.panel(F, B);
  bank.place(arena);
  bench.open();
  const [gamma, beta] = [normals(1, F), normals(2, F)];
  const weights = [
    ['norm.weight', gamma],
    ['norm.bias', beta],
  ] as const;
  bank.write(bench.buffer, 'weights', new Map(weights));
  const [input, branch, g1, g2, g3] = [3, 4, 5, 6, 7].map((seed) => normals(seed, rows * F));
  bench.writePanel(x, input, rows);
  bench.writePanel(norm.branch, branch, rows);
  runTraining(bench, (program) => norm.forward(program, x, B));
  const mask = dropoutMask(bench, 3, rows, F, p);
  const expected = layerNorm(add(input, multiply(branch, mask)), gamma, beta, rows, F);
  expect(relativeError(bench.readPanel(norm.y.panel, rows), expected.y)).toBeLessThan(2e-6);
  expect(bench.readStrip(norm.y.strip, 12, rows)).toEqual(bench.readPanel(norm.y.panel, rows));

  bench.writePanel(d1, g1, rows);
  bench.writePanel(d2, g2, rows);
  bench.writePanel(last, g3, B);
  runTraining(bench, (program) => {
    norm.backward(program, { everywhere: [d1, d2], last: lastGradient ? [last] : [] }, B);
    norm.weightGradients(program, B);
  });
  const dy = add(g1, g2).map((g, i) => g + (lastGradient && i >= 2 * B * F ? g3[i - 2 * B * F] : 0));
  const { dx, dgamma, dbeta } = layerNormGradient(dy, expected, gamma, rows, F);
  expect(relativeError(bench.readPanel(norm.dx, rows), dx)).toBeLessThan(3e-6);
  expect(relativeError(bench.readPanel(norm.dbranch.panel, rows), multiply(dx, mask))).toBeLessThan(3e-6);
  expect(bench.readStrip(norm.dbranch.strip, 8, rows)).toEqual(bench.readPanel(norm.dbranch.panel, rows));
  const gradients = bank.read(bench.buffer, 'gradients');
  expect(relativeError(gradients.get('norm.weight')!, dgamma)).toBeLessThan(3e-6);
  expect(relativeError(gradients.get('norm.bias')!, dbeta)).toBeLessThan(3e-6);
}

describe.each(KERNELS)('%s, wide tiles %s', (variant, wide) => {
  const bench = () => new KernelBench(variant, wide);

  test.each([
    { B: 1, T: 1, D: 5 },
    { B: 11, T: 4, D: 30 },
  ])('sequenceInput at %o', (size) => checkSequenceInput(bench(), size));
  test('combine adds panels and positions; combineGradient adds the last step', () => checkCombine(bench()));
  test('dropout matches its reference mask with share p; masks differ by site and step', () => checkDropout(bench()));
  test.each([0, 0.3])('relu and reluBackward inside a feed-forward, dropout %f', (p) => checkFeedForward(bench(), p));
  test.each([
    { p: 0, lastGradient: false },
    { p: 0.3, lastGradient: false },
    { p: 0.3, lastGradient: true },
  ])('residualNorm and residualNormBackward at %o', (options) => checkResidualNorm(bench(), options));
});
