/** Every simd kernel of LSTM, GRU and Transformer, by name, against its plain reference, in both builds. */
import { beforeAll, describe, expect, test } from 'vitest';
import { BatchInput } from '#engine/simd/input.ts';
import { Attention } from '#engine/simd/layers/attention.ts';
import { Dropout, writeDropoutKeys } from '#engine/simd/layers/dropout.ts';
import { FeedForward } from '#engine/simd/layers/feed-forward.ts';
import { RecurrentProducts } from '#engine/simd/layers/recurrent.ts';
import { ResidualNorm } from '#engine/simd/layers/residual-norm.ts';
import { combine, combineGradient, SequenceInput, sequenceRows, stepPanel } from '#engine/simd/layers/sequence.ts';
import type { Arena, Matrix } from '#engine/simd/layout.ts';
import {
  OP_ATTENTION,
  OP_ATTENTION_BACKWARD,
  OP_GRU_CELL,
  OP_GRU_CELL_BACKWARD,
  OP_LSTM_CELL,
  OP_LSTM_CELL_BACKWARD,
} from '#engine/simd/abi/control.ts';
import { HYPER } from '#engine/simd/hyper.ts';
import { ParameterBank } from '#engine/simd/parameters.ts';
import { Program } from '#engine/simd/program.ts';
import { layerNorm, layerNormGradient } from '#engine/simd/reference/activations.ts';
import { attention, attentionGradient } from '#engine/simd/reference/attention.ts';
import { dropoutFactor, panelElement } from '#engine/simd/reference/dropout.ts';
import { linearForward, linearInputGradient, linearWeightGradient } from '#engine/simd/reference/linear.ts';
import { gruStep, gruStepGradient, lstmStep, lstmStepGradient } from '#engine/simd/reference/recurrent.ts';
import { relativeError } from '#engine/verify.ts';
import { KernelBench, KERNELS, normals, prepareKernels } from '../support/kernels.ts';

beforeAll(prepareKernels);

const SEED = 5;
const STEP = 3;

/** The same program with dropout on. */
function train(bench: KernelBench, emit: (program: Program) => void): void {
  writeDropoutKeys(new DataView(bench.buffer), bench.hyper, SEED, STEP);
  bench.run((program) => {
    const training = new Program(bench.slots, 4096, true);
    emit(training);
    program.operations.push(...training.operations);
  });
}

function keysOf(bench: KernelBench): [number, number] {
  const [first, second] = new Uint32Array(bench.buffer, bench.hyper + 4 * HYPER.dropoutKey0, 2);
  return [first, second];
}

/** Dropout factors of rows of F features. */
function maskOf(bench: KernelBench, site: number, rows: number, F: number, p: number): Float64Array {
  const keys = keysOf(bench);
  const mask = new Float64Array(rows * F);
  for (let r = 0; r < rows; r++) {
    for (let f = 0; f < F; f++) mask[r * F + f] = dropoutFactor(keys, site, panelElement(r, f, F), p);
  }
  return mask;
}

const times = (a: ArrayLike<number>, b: ArrayLike<number>) => Float64Array.from(a, (x, i) => x * b[i]);
const plus = (...all: ArrayLike<number>[]) =>
  Float64Array.from(all[0], (_, i) => all.reduce((sum, x) => sum + x[i], 0));

describe.each(KERNELS)('%s, wide tiles %s', (variant, wide) => {
  describe.each([
    [1, 5],
    [13, 30],
    [32, 64],
  ])('B %i, H %i', (B, H) => {
    const before = normals(1, B * H);
    const dh = normals(2, B * H);
    const dc = normals(3, B * H);

    test.each([true, false])('lstmCell and lstmCellBackward (first step: %s)', (isFirst) => {
      const bench = new KernelBench(variant, wide);
      const { arena } = bench;
      const [gates, hidden, dgates] = Array.from({ length: 3 }, () => arena.panel(4 * H, B));
      const [c0, c, h, above, after, carried] = Array.from({ length: 6 }, () => arena.panel(H, B));
      const [hStrip, strip] = [arena.strip12(H, B), arena.strip8(4 * H, B)];
      bench.open();
      const [x, y] = [normals(4, B * 4 * H, 2), normals(5, B * 4 * H, 2)];
      bench.writePanel(gates, x, B);
      bench.writePanel(hidden, y, B);
      bench.writePanel(c0, before, B);
      bench.run((program) =>
        program.addWords(
          'cell',
          OP_LSTM_CELL,
          Math.ceil(B / 8),
          [
            [gates.at, gates.pitch, hidden.at, hidden.pitch, H, isFirst ? 0 : c0.at, c.at, h.at, h.pitch],
            [hStrip.at, hStrip.pitch],
          ].flat(),
        ),
      );
      const state = isFirst ? new Float32Array(B * H) : before;
      const expected = lstmStep(x, y, state, B, H);
      expect(relativeError(bench.readPanel(gates, B), expected.gates)).toBeLessThan(3e-7);
      expect(relativeError(bench.readPanel(c, B), expected.c)).toBeLessThan(3e-7);
      expect(relativeError(bench.readPanel(h, B), expected.h)).toBeLessThan(5e-7);
      expect(bench.readStrip(hStrip, 12, B)).toEqual(bench.readPanel(h, B));

      bench.writePanel(above, dh, B);
      bench.writePanel(after, dc, B);
      bench.writePanel(carried, dc, B);
      bench.run((program) =>
        program.addWords(
          'cell backward',
          OP_LSTM_CELL_BACKWARD,
          Math.ceil(B / 8),
          [
            [gates.at, gates.pitch, H, isFirst ? 0 : c0.at, c.at, above.at, after.at, carried.at, 0, c.pitch],
            [dgates.at, strip.at, strip.pitch],
          ].flat(),
        ),
      );
      const gradient = lstmStepGradient(expected, state, plus(dh, dc), dc, B, H);
      expect(relativeError(bench.readPanel(dgates, B), gradient.dgates)).toBeLessThan(2e-6);
      expect(relativeError(bench.readPanel(carried, B), gradient.dbefore)).toBeLessThan(1e-6);
      expect(bench.readStrip(strip, 8, B)).toEqual(bench.readPanel(dgates, B));
    });

    test.each([true, false])('gruCell and gruCellBackward (first step: %s)', (isFirst) => {
      const bench = new KernelBench(variant, wide);
      const { arena } = bench;
      const [gates, hidden, dgates, dhidden] = Array.from({ length: 4 }, () => arena.panel(3 * H, B));
      const [h0, h, above, after, carried] = Array.from({ length: 5 }, () => arena.panel(H, B));
      const [hStrip, strip, hiddenStrip] = [arena.strip12(H, B), arena.strip8(3 * H, B), arena.strip8(3 * H, B)];
      bench.open();
      const [x, y] = [normals(4, B * 3 * H, 2), normals(5, B * 3 * H, 2)];
      bench.writePanel(gates, x, B);
      bench.writePanel(hidden, y, B);
      bench.writePanel(h0, before, B);
      bench.run((program) =>
        program.addWords(
          'cell',
          OP_GRU_CELL,
          Math.ceil(B / 8),
          [[gates.at, hidden.at, gates.pitch, H, isFirst ? 0 : h0.at, h.at, h.pitch, hStrip.at, hStrip.pitch]].flat(),
        ),
      );
      const state = isFirst ? new Float32Array(B * H) : before;
      const expected = gruStep(x, y, state, B, H);
      expect(relativeError(bench.readPanel(gates, B), expected.gates)).toBeLessThan(3e-7);
      expect(relativeError(bench.readPanel(h, B), expected.h)).toBeLessThan(5e-7);
      expect(bench.readStrip(hStrip, 12, B)).toEqual(bench.readPanel(h, B));

      bench.writePanel(above, dh, B);
      bench.writePanel(after, dc, B);
      bench.writePanel(carried, dc, B);
      bench.run((program) =>
        program.addWords(
          'cell backward',
          OP_GRU_CELL_BACKWARD,
          Math.ceil(B / 8),
          [
            [gates.at, hidden.at, gates.pitch, H, isFirst ? 0 : h0.at, above.at, after.at, carried.at, 0, h.pitch],
            [dgates.at, dhidden.at, strip.at, hiddenStrip.at, strip.pitch],
          ].flat(),
        ),
      );
      const gradient = gruStepGradient(expected, y, state, plus(dh, dc, dc), B, H);
      expect(relativeError(bench.readPanel(dgates, B), gradient.dofInput)).toBeLessThan(2e-6);
      expect(relativeError(bench.readPanel(dhidden, B), gradient.dofHidden)).toBeLessThan(2e-6);
      expect(relativeError(bench.readPanel(carried, B), gradient.dbefore)).toBeLessThan(1e-6);
      expect(bench.readStrip(strip, 8, B)).toEqual(bench.readPanel(dgates, B));
      expect(bench.readStrip(hiddenStrip, 8, B)).toEqual(bench.readPanel(dhidden, B));
    });
  });

  test.each([
    [1, 1, 5],
    [11, 4, 30],
  ])('sequenceInput at B %i, T %i, D %i', (B, T, D) => {
    const bench = new KernelBench(variant, wide);
    const input = new BatchInput(bench.arena, T, D, B);
    const sequence = new SequenceInput(bench.arena, input, B);
    bench.open();
    const x = normals(1, B * T * D);
    bench.writeRows(input.contexts[0], x, B * T);
    // What an earlier, larger batch left in the rows beyond B must not come in.
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
  });

  test('combine adds panels and positions; combineGradient adds the last step', () => {
    const [B, T, F] = [16, 3, 30];
    const rows = sequenceRows(T, B);
    const bench = new KernelBench(variant, wide);
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
      combine(program, 'sum', out, [a, b], T, B, { strip12, positions });
      combineGradient(program, 'gradient', sum, strip8, { everywhere: [a, b], last: [last] }, T, B);
    });
    const place = (i: number) => table[Math.floor(i / (B * F)) * F + (i % F)];
    const expected = Float64Array.from(x, (value, i) => value + y[i] + place(i));
    expect(relativeError(bench.readPanel(out, rows), expected)).toBeLessThan(1e-7);
    expect(bench.readStrip(strip12, 12, rows)).toEqual(bench.readPanel(out, rows));
    const gradient = Float64Array.from(x, (value, i) => value + y[i] + (z[i - 2 * B * F] ?? 0));
    expect(relativeError(bench.readPanel(sum, rows), gradient)).toBeLessThan(1e-7);
    expect(bench.readStrip(strip8, 8, rows)).toEqual(bench.readPanel(sum, rows));
  });

  test('biasRows equals the product with a zero state; biasGradient is its gradient', () => {
    const [B, T, I, H] = [16, 3, 7, 11];
    const rows = sequenceRows(T, B);
    const bench = new KernelBench(variant, wide);
    const { arena } = bench;
    const bank = new ParameterBank();
    const products = new RecurrentProducts(bank, 'lstm', 'l0', { inputs: I, hidden: H, gates: 4, T });
    const x = arena.panel(I, rows);
    const gates = arena.panel(4 * H, rows);
    const ofHidden = arena.panel(4 * H, B);
    const dgates = { panel: arena.panel(4 * H, rows), strip: arena.strip8(4 * H, rows) };
    bank.place(arena);
    bench.open();
    const bias = normals(3, 4 * H);
    const weights = [
      ['lstm.weight_ih_l0', normals(1, 4 * H * I)],
      ['lstm.bias_ih_l0', normals(2, 4 * H)],
      ['lstm.weight_hh_l0', normals(4, 4 * H * H)],
      ['lstm.bias_hh_l0', bias],
    ] as const;
    bank.write(bench.buffer, 'weights', new Map(weights));
    const dy = normals(5, rows * 4 * H);
    bench.writeStrip(dgates.strip, 8, dy, rows);
    const program = bench.run((p) => {
      products.begin(p, x, gates, ofHidden, B);
      products.biasGradient(p, dgates, B);
    });
    const repeated = Float32Array.from({ length: B * 4 * H }, (_, i) => bias[i % (4 * H)]);
    expect(bench.readPanel(ofHidden, B)).toEqual(repeated);
    const { dbias } = linearWeightGradient(new Float32Array(rows), dy, rows, 1, 4 * H);
    const gradient = bank.read(bench.buffer, 'gradients').get('lstm.bias_hh_l0')!;
    expect(relativeError(gradient, dbias)).toBeLessThan(1e-6);
    expect(relativeError([bench.norm(program)], [Math.hypot(...dbias)])).toBeLessThan(1e-6);
  });

  test('dropout matches its reference mask with share p; masks differ by site and step', () => {
    const [rows, F, p] = [64, 250, 0.2];
    const bench = new KernelBench(variant, wide);
    const { arena, hyper } = bench;
    const [x, y, z] = Array.from({ length: 3 }, () => arena.panel(F, rows));
    const strip = arena.strip12(F, rows);
    bench.open();
    bench.writePanel(x, new Float32Array(rows * F).fill(1), rows);
    train(bench, (program) => {
      new Dropout(p, 1, hyper).apply(program, x, y, rows, strip);
      new Dropout(p, 2, hyper).apply(program, x, z, rows);
    });
    const mask = maskOf(bench, 1, rows, F, p);
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
    expect(Math.abs(agree(maskOf(bench, 1, rows, F, p)) - chance)).toBeLessThan(0.02);
    bench.run((program) => new Dropout(p, 1, hyper).apply(program, x, y, rows));
    expect(bench.readPanel(y, rows)).toEqual(new Float32Array(rows * F).fill(1));
  });

  test.each([0, 0.3])('relu and reluBackward inside a feed-forward, dropout %f', (p) => {
    const [B, T, H, F] = [8, 2, 10, 30];
    const rows = sequenceRows(T, B);
    const bench = new KernelBench(variant, wide);
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
    train(bench, (program) => layer.forward(program, x, out, B));
    const mask = maskOf(bench, 4, rows, F, p);
    const z = linearForward(input, w1, b1, rows, H, F);
    const hidden = times(
      z.map((v) => Math.max(v, 0)),
      mask,
    );
    expect(relativeError(bench.readPanel(out, rows), linearForward(hidden, w2, b2, rows, F, H))).toBeLessThan(2e-6);
    bench.writePanel(out, dy, rows);
    train(bench, (program) => layer.backward(program, out, B));
    const dhidden = times(linearInputGradient(dy, w2, rows, F, H), mask).map((g, i) => (z[i] > 0 ? g : 0));
    expect(relativeError(bench.readPanel(layer.dx, rows), linearInputGradient(dhidden, w1, rows, H, F))).toBeLessThan(
      2e-6,
    );
    const [first, second] = layer.weightTerms({ panel: x, strip: xStrip }, { panel: out, strip: outStrip }, B);
    expect(relativeError(bench.readStrip(first.gradientStrip, 8, rows), dhidden)).toBeLessThan(2e-6);
    expect(relativeError(bench.readStrip(second.inputStrip, 12, rows), hidden)).toBeLessThan(2e-6);
  });

  test.each([
    [0, 0],
    [0.3, 0],
    [0.3, 1],
  ])('residualNorm and residualNormBackward, dropout %f, %i gradient on the last step', (p, ends) => {
    const [B, T, F] = [16, 3, 30];
    const rows = sequenceRows(T, B);
    const bench = new KernelBench(variant, wide);
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
    train(bench, (program) => norm.forward(program, x, B));
    const mask = maskOf(bench, 3, rows, F, p);
    const expected = layerNorm(plus(input, times(branch, mask)), gamma, beta, rows, F);
    expect(relativeError(bench.readPanel(norm.y.panel, rows), expected.y)).toBeLessThan(2e-6);
    expect(bench.readStrip(norm.y.strip, 12, rows)).toEqual(bench.readPanel(norm.y.panel, rows));

    bench.writePanel(d1, g1, rows);
    bench.writePanel(d2, g2, rows);
    bench.writePanel(last, g3, B);
    train(bench, (program) => {
      norm.backward(program, { everywhere: [d1, d2], last: ends ? [last] : [] }, B);
      norm.weightGradients(program, B);
    });
    const dy = plus(g1, g2).map((g, i) => g + (ends && i >= 2 * B * F ? g3[i - 2 * B * F] : 0));
    const { dx, dgamma, dbeta } = layerNormGradient(dy, expected, gamma, rows, F);
    expect(relativeError(bench.readPanel(norm.dx, rows), dx)).toBeLessThan(3e-6);
    expect(relativeError(bench.readPanel(norm.dbranch.panel, rows), times(dx, mask))).toBeLessThan(3e-6);
    expect(bench.readStrip(norm.dbranch.strip, 8, rows)).toEqual(bench.readPanel(norm.dbranch.panel, rows));
    const gradients = bank.read(bench.buffer, 'gradients');
    expect(relativeError(gradients.get('norm.weight')!, dgamma)).toBeLessThan(3e-6);
    expect(relativeError(gradients.get('norm.bias')!, dbeta)).toBeLessThan(3e-6);
  });

  describe.each([
    { B: 8, T: 1, first: 0, heads: 1, S: 3 },
    { B: 16, T: 4, first: 0, heads: 2, S: 5 },
    { B: 16, T: 5, first: 4, heads: 3, S: 8 },
  ])('attention and attentionBackward at %o', (shape) => {
    const { B, T, first, heads, S } = shape;
    const H = heads * S;
    const [queries, all] = [sequenceRows(T - first, B), sequenceRows(T, B)];

    test.each([0, 0.4])('dropout %f', (p) => {
      const bench = new KernelBench(variant, wide);
      const { arena, hyper } = bench;
      const place = (a: Arena) => ({ q: a.panel(H, queries), kv: a.panel(2 * H, all) });
      const [values, gradients] = [place(arena), place(arena)];
      const [out, dout] = [arena.panel(H, queries), arena.panel(H, queries)];
      const strips = [arena.strip12(H, queries), arena.strip8(H, queries), arena.strip8(2 * H, all)];
      const weights = arena.floats(B * heads * T * T);
      bench.open();
      const [q, k, v, dy] = [
        normals(1, queries * H),
        normals(2, all * H),
        normals(3, all * H),
        normals(4, queries * H),
      ];
      const joined = (a: ArrayLike<number>, b: ArrayLike<number>) =>
        Float64Array.from({ length: 2 * all * H }, (_, i) => {
          const [row, f] = [Math.floor(i / (2 * H)), i % (2 * H)];
          return f < H ? a[row * H + f] : b[row * H + f - H];
        });
      bench.writePanel(values.q, q, queries);
      bench.writePanel(values.kv, joined(k, v), all);
      bench.writePanel(dout, dy, queries);
      const dropout = new Dropout(p, 7, hyper);
      const of = ({ at, pitch }: Matrix) => [at, pitch];
      const sizes = [B / 8, T, first, heads, S, weights, { float: 1 / Math.sqrt(S) }];
      train(bench, (program) => {
        program.addWords(
          'attention',
          OP_ATTENTION,
          B / 8,
          [
            [...of(values.q), ...of(values.kv), ...of(out), ...sizes, ...of(strips[0]), ...dropout.args(program)],
          ].flat(),
        );
        program.barrier();
        program.addWords(
          'attention backward',
          OP_ATTENTION_BACKWARD,
          B / 8,
          [
            [...of(values.q), ...of(values.kv), ...of(dout), ...sizes],
            [gradients.q.at, ...of(strips[1]), gradients.kv.at, ...of(strips[2]), ...dropout.args(program)],
          ].flat(),
        );
      });
      const keys = keysOf(bench);
      const mask = (b: number, n: number, i: number, j: number) =>
        p === 0 ? 1 : dropoutFactor(keys, 7, ((((b >> 3) * heads + n) * T + i) * T + j) * 8 + (b & 7), p);
      const expected = attention({ q, k, v }, shape, mask);
      expect(relativeError(bench.readPanel(out, queries), expected)).toBeLessThan(1e-6);
      expect(bench.readStrip(strips[0], 12, queries)).toEqual(bench.readPanel(out, queries));
      const { dq, dk, dv } = attentionGradient({ q, k, v }, dy, shape, mask);
      expect(relativeError(bench.readPanel(gradients.q, queries), dq)).toBeLessThan(3e-6);
      expect(relativeError(bench.readPanel(gradients.kv, all), joined(dk, dv))).toBeLessThan(3e-6);
      expect(bench.readStrip(strips[1], 8, queries)).toEqual(bench.readPanel(gradients.q, queries));
      expect(bench.readStrip(strips[2], 8, all)).toEqual(bench.readPanel(gradients.kv, all));
    });
  });

  test('outputPart: queries and keys of one in_proj as one product and as two', () => {
    const [B, T, heads, S] = [8, 3, 2, 7];
    const H = heads * S;
    const all = sequenceRows(T, B);
    const bench = new KernelBench(variant, wide);
    const { arena, hyper } = bench;
    const context = { arena, hyper, maxB: B, input: new BatchInput(arena, T, H, B) };
    const make = (isSelf: boolean) => {
      const bank = new ParameterBank();
      const sizes = { T, H, heads, steps: T, isSelf };
      const layer = new Attention(bank, context, 'attn', sizes, new Dropout(0, 0, hyper));
      bank.place(arena);
      return { bank, layer, out: arena.panel(H, all), dkeys: arena.panel(H, all) };
    };
    const [joint, split] = [make(true), make(false)];
    const [x, dy] = [arena.panel(H, all), arena.panel(H, all)];
    const sum = arena.panel(H, all);
    bench.open();
    const weights = [
      ['attn.in_proj_weight', normals(1, 3 * H * H, 0.3)],
      ['attn.in_proj_bias', normals(2, 3 * H)],
      ['attn.out_proj.weight', normals(3, H * H, 0.3)],
      ['attn.out_proj.bias', normals(4, H)],
    ] as const;
    bench.writePanel(x, normals(5, all * H), all);
    bench.writePanel(dy, normals(6, all * H), all);
    const gradients = [joint, split].map(({ bank, layer, out, dkeys }) => {
      bank.write(bench.buffer, 'weights', new Map(weights));
      expect(bank.read(bench.buffer, 'weights')).toEqual(new Map(weights));
      bench.run((program) => {
        layer.forward(program, x, x, out, B);
        layer.backward(program, dy, B);
        const dqueries = layer.inputGradients(program, dkeys, B);
        program.barrier();
        combine(program, 'sum', sum, bank === joint.bank ? [dqueries] : [dqueries, dkeys], T, B);
      });
      return { out: bench.readPanel(out, all), dx: bench.readPanel(stepPanel(sum, 0, B), all) };
    });
    expect(relativeError(gradients[0].out, gradients[1].out)).toBeLessThan(1e-6);
    expect(relativeError(gradients[0].dx, gradients[1].dx)).toBeLessThan(2e-6);
  });
});
