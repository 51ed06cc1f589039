/** Every simd kernel, by name, against its plain reference, in both builds. Sizes are no multiples of the tiles. */
import { beforeAll, describe, expect, test } from 'vitest';
import { INPUT_SHIFTS } from '#shared/domain/models/models.ts';
import { CONTEXT_MEAN_WEIGHTS, CORPUS_MEAN } from '#shared/domain/models/shapes.ts';
import { TERMS, lambdaOf, type LossConfig } from '#shared/domain/models/terms.ts';
import { lossTerms, normalised, totalLoss } from '../reference/losses.ts';
import { BatchInput } from '#engine/simd/input.ts';
import { GeluNorm } from '#engine/simd/layers/gelu-norm.ts';
import { gemmForward, gemmInput, Linear } from '#engine/simd/layers/linear.ts';
import { AttentionMixture } from '#engine/simd/layers/mixture.ts';
import { PositionSkip } from '#engine/simd/layers/position.ts';
import { paddedFeatures } from '#engine/simd/layout.ts';
import { LossHead } from '#engine/simd/losses/head.ts';
import { Adamw } from '#engine/simd/abi/optimizer.ts';
import { HYPER_WORDS } from '#engine/simd/hyper.ts';
import { Optimizer, writeOptimizerHyper } from '#engine/simd/optimizer.ts';
import { ParameterBank } from '#engine/simd/parameters.ts';
import { gelu, geluGradient, layerNorm, layerNormGradient } from '../reference/activations.ts';
import { adamw } from '../reference/adamw.ts';
import { linearForward, linearInputGradient, linearWeightGradient } from '../reference/linear.ts';
import { mixture, mixtureGradient } from '../reference/mixture.ts';
import { position, positionGradient } from '../reference/position.ts';
import { relativeError } from '#engine/verify.ts';
import { KernelBench, KERNELS, LOSS, normals, prepareKernels } from '../support/kernels.ts';

beforeAll(prepareKernels);

const OPTIMIZER = { beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0.01, clip: 1 };

/** A Linear of the sizes given, filled, with its panels and strips. */
function linearBench(bench: KernelBench, B: number, K: number, N: number) {
  const { arena } = bench;
  const bank = new ParameterBank();
  const linear = new Linear(bank, 'layer', [K], N);
  bank.place(arena);
  const input = { panel: arena.panel(K, B), strip: arena.strip12(K, B) };
  const output = { panel: arena.panel(N, B), gelu: arena.panel(N, B), strip: arena.strip8(N, B) };
  const dx = arena.panel(K, B);
  return { bank, linear, input, output, dx };
}

const weights = (K: number, N: number) => ({ w: normals(1, N * K, 1 / Math.sqrt(K)), bias: normals(2, N) });
const named = (w: Float32Array, bias: Float32Array) =>
  new Map([
    ['layer.weight', w],
    ['layer.bias', bias],
  ]);

describe.each(KERNELS)('%s, wide tiles %s', (variant, wide) => {
  describe.each([
    [1, 5, 7],
    [8, 24, 16],
    [13, 30, 9],
    [33, 205, 62],
    [40, 400, 25],
  ])('B %i, K %i, N %i', (B, K, N) => {
    const { w, bias } = weights(K, N);
    const x = normals(3, B * K);
    const dy = normals(4, B * N);

    test('gemmForward with bias, GELU and strip8', () => {
      const bench = new KernelBench(variant, wide);
      const { bank, linear, input, output } = linearBench(bench, B, K, N);
      bench.open();
      bank.write(bench.buffer, 'weights', named(w, bias));
      bench.writePanel(input.panel, x, B);
      bench.run((program) => {
        linear.forward(program, input.panel, output.panel, B, { bias: true, gelu: output.gelu, strip: output.strip });
      });
      const y = linearForward(x, w, bias, B, K, N);
      expect(relativeError(bench.readPanel(output.panel, B), y)).toBeLessThan(1e-6);
      expect(relativeError(bench.readPanel(output.gelu, B), y.map(gelu))).toBeLessThan(1e-6);
      expect(bench.readStrip(output.strip, 8, B)).toEqual(bench.readPanel(output.panel, B));
    });

    test('gemmInput', () => {
      const bench = new KernelBench(variant, wide);
      const { bank, linear, output, dx } = linearBench(bench, B, K, N);
      bench.open();
      bank.write(bench.buffer, 'weights', named(w, bias));
      bench.writePanel(output.panel, dy, B);
      bench.run((program) => linear.backwardInput(program, output.panel, dx, B));
      expect(relativeError(bench.readPanel(dx, B), linearInputGradient(dy, w, B, K, N))).toBeLessThan(1e-6);
    });

    test('gemmWeight and its norm; padding stays zero', () => {
      const bench = new KernelBench(variant, wide);
      const { bank, linear, input, output } = linearBench(bench, B, K, N);
      bench.open();
      bench.writeStrip(input.strip, 12, x, B);
      bench.writeStrip(output.strip, 8, dy, B);
      const program = bench.run((p) => linear.backwardWeight(p, input.strip, output.strip, B));
      const { dw, dbias } = linearWeightGradient(x, dy, B, K, N);
      const gradients = bank.read(bench.buffer, 'gradients');
      expect(relativeError(gradients.get('layer.weight')!, dw)).toBeLessThan(1e-6);
      expect(relativeError(gradients.get('layer.bias')!, dbias)).toBeLessThan(1e-6);
      const norm = Math.hypot(...dw, ...dbias);
      expect(bench.norm(program) / norm).toBeCloseTo(1, 5);
      const all = bench.floats(bank.address('gradients'), bank.bytes / 4);
      expect(all.filter((g) => g !== 0).length).toBeLessThanOrEqual(N * K + N);
    });

    test('gemmWeightAdamw: gram norm, clipping and update', () => {
      const bench = new KernelBench(variant, wide);
      const { bank, linear, input, output } = linearBench(bench, B, K, N);
      const optimizer = new Optimizer(bench.arena, bench.slots, bench.hyper);
      bench.open();
      bank.write(bench.buffer, 'weights', named(w, bias));
      writeOptimizerHyper(bench.floats(bench.hyper, HYPER_WORDS), OPTIMIZER, 0.01, 1);
      bench.writePanel(input.panel, x, B);
      bench.writeStrip(input.strip, 12, x, B);
      bench.writePanel(output.panel, dy, B);
      bench.writeStrip(output.strip, 8, dy, B);
      const term = {
        linear,
        inputs: [input.panel],
        inputStrip: input.strip,
        gradient: output.panel,
        gradientStrip: output.strip,
        bias: true,
      };
      const network = { bank, weightTerms: () => [term], vectors: [], vectorGradients: () => {} };
      const program = bench.run((p) =>
        optimizer.emitUpdate(p, network, { draw: output.panel, drawStrip: output.strip, B }, () => {}),
      );
      const { dw, dbias } = linearWeightGradient(x, dy, B, K, N);
      const expected = Float64Array.of(...w, ...bias);
      const zero = () => new Float64Array(expected.length);
      const m = zero();
      const norm = adamw(expected, [...dw, ...dbias], m, zero(), OPTIMIZER, 0.01, 1);
      expect(bench.norm(program) / norm).toBeCloseTo(1, 5);
      const after = bank.read(bench.buffer, 'weights');
      expect(relativeError([...after.get('layer.weight')!, ...after.get('layer.bias')!], expected)).toBeLessThan(1e-6);
      const moments = bank.read(bench.buffer, 'm');
      expect(relativeError([...moments.get('layer.weight')!, ...moments.get('layer.bias')!], m)).toBeLessThan(1e-5);
    });

    test('layerNorm after GELU, its backward and its γ and β gradients', () => {
      const bench = new KernelBench(variant, wide);
      const bank = new ParameterBank();
      const block = new GeluNorm(
        bank,
        bench.arena,
        { linear: 'layer', norm: 'norm' },
        { segments: [K], F: N, maxB: B },
      );
      bank.place(bench.arena);
      const input = bench.arena.panel(K, B);
      const dx = bench.arena.panel(K, B);
      bench.open();
      const gamma = normals(5, N).map((g) => 1 + 0.1 * g);
      const beta = normals(6, N, 0.1);
      bank.write(bench.buffer, 'weights', new Map([...named(w, bias), ['norm.weight', gamma], ['norm.bias', beta]]));
      bench.writePanel(input, x, B);
      bench.run((program) => block.forward(program, input, B));
      const z = linearForward(x, w, bias, B, K, N);
      const norm = layerNorm(z.map(gelu), gamma, beta, B, N);
      expect(relativeError(bench.readPanel(block.y, B), norm.y)).toBeLessThan(3e-6);
      expect(bench.readStrip(block.strip, 12, B)).toEqual(bench.readPanel(block.y, B));
      bench.writePanel(block.dy, dy, B);
      bench.run((program) => {
        block.backwardNorm(program, B);
        block.normGradients(program, B);
        block.backwardInput(program, dx, B);
      });
      const expected = layerNormGradient(dy, norm, gamma, B, N);
      const dz = expected.dx.map((g, i) => g * geluGradient(z[i]));
      const { gradient, gradientStrip } = block.weightTerm([], input);
      expect(relativeError(bench.readPanel(gradient, B), dz)).toBeLessThan(1e-5);
      expect(bench.readStrip(gradientStrip, 8, B)).toEqual(bench.readPanel(gradient, B));
      expect(relativeError(bench.readPanel(dx, B), linearInputGradient(dz, w, B, K, N))).toBeLessThan(1e-5);
      const gradients = bank.read(bench.buffer, 'gradients');
      expect(relativeError(gradients.get('norm.weight')!, expected.dgamma)).toBeLessThan(3e-6);
      expect(relativeError(gradients.get('norm.bias')!, expected.dbeta)).toBeLessThan(3e-6);
    });
  });

  test.each([
    [1, 3, 7],
    [8, 5, 24],
    [13, 2, 62],
  ])('position and positionWeight at B %i, T %i, D %i', (B, T, D) => {
    const bench = new KernelBench(variant, wide);
    const { arena } = bench;
    const input = new BatchInput(arena, T, D, B);
    const bank = new ParameterBank();
    const layer = new PositionSkip(bank, arena, T, D, B);
    const draw = arena.strip8(D, B);
    bank.place(arena);
    bench.open();
    const sizes = { B, T, D };
    const x = normals(21, B * T * D);
    const w = normals(22, T * D);
    const dskip = normals(23, B * D);
    bench.writeRows(input.contexts[0], x, B * T);
    bench.writeStrip(draw, 8, dskip, B);
    bank.write(bench.buffer, 'weights', new Map([['position_weights', w]]));
    const program = bench.run((p) => {
      layer.forward(p, input, 0, B);
      p.barrier();
      layer.backward(p, input, 0, B, draw);
    });
    expect(relativeError(bench.readRows(layer.rows, B), position(x, w, sizes))).toBeLessThan(1e-6);
    const expected = positionGradient(x, dskip, sizes);
    const gradient = bank.read(bench.buffer, 'gradients').get('position_weights')!;
    expect(relativeError(gradient, expected)).toBeLessThan(1e-6);
    const norm = Math.sqrt(expected.reduce((sum, value) => sum + value * value, 0));
    expect(bench.norm(program) / norm).toBeCloseTo(1, 6);
  });

  test.each([
    [1, 1, 5],
    [9, 4, 30],
    [17, 7, 50],
  ])('shiftInput at B %i, T %i, D %i', (B, T, D) => {
    const x = normals(12, B * T * D);
    const corpusMean = normals(13, D);
    for (const kind of INPUT_SHIFTS) {
      const bench = new KernelBench(variant, wide);
      const input = new BatchInput(bench.arena, T, D, B, kind);
      const bank = new ParameterBank();
      input.shift!.addConstant(bank);
      bank.place(bench.arena);
      bench.open();
      const constants = [
        [CONTEXT_MEAN_WEIGHTS, new Float32Array(T).fill(1 / T)],
        [CORPUS_MEAN, corpusMean],
      ] as const;
      bank.write(bench.buffer, 'weights', new Map(constants));
      bench.writeRows(input.contexts[0], x, B * T);
      bench.run((program) => input.shiftContexts(program, 0, B));
      const shift = Float64Array.from({ length: B * D }, (_, i) =>
        kind === 'relative' ? meanOf(x, Math.floor(i / D), i % D, T, D) : corpusMean[i % D],
      );
      const shifted = Float64Array.from(x, (value, i) => value - shift[Math.floor(i / (T * D)) * D + (i % D)]);
      expect(relativeError(bench.readRows(input.shift!.rows, B), shift)).toBeLessThan(1e-6);
      // Of one vector, relative inputs are rounding noise about 0.
      const got = bench.readRows(input.networkContexts(0), B * T);
      expect(Math.max(...got.map((value, i) => Math.abs(value - shifted[i])))).toBeLessThan(2e-6);
      const norms = Float64Array.from({ length: B * T }, (_, i) => 1 / Math.hypot(...x.subarray(i * D, (i + 1) * D)));
      expect(relativeError(bench.floats(input.inverseNorms, B * T), norms)).toBeLessThan(1e-6);
    }
  });

  test.each([
    [1, 1, 5, 3],
    [9, 4, 30, 7],
    [17, 7, 50, 12],
  ])('prepare, mix (softmax) and mixBackward at B %i, T %i, D %i', (B, T, D, A) => {
    const bench = new KernelBench(variant, wide);
    const input = new BatchInput(bench.arena, T, D, B);
    const bank = new ParameterBank();
    const layer = new AttentionMixture(bank, bench.arena, input, A, B);
    bank.place(bench.arena);
    const base = bench.arena.panel(D, B);
    const mix = bench.arena.panel(D, B);
    const strip = bench.arena.strip12(D, B);
    bench.open();
    const key = weights(D, A);
    const query = { w: normals(8, A * D), bias: normals(9, A) };
    const tensors = [
      ['context_encoder.weight', key.w],
      ['context_encoder.bias', key.bias],
      ['query_encoder.weight', query.w],
      ['query_encoder.bias', query.bias],
    ] as const;
    bank.write(bench.buffer, 'weights', new Map(tensors));
    const x = normals(10, B * T * D);
    bench.writeRows(input.contexts[0], x, B * T);
    bench.run((program) => {
      input.prepare(program, 0, base, strip, B);
      layer.forward(program, 0, base, { panel: mix, strip }, B);
    });
    const mean = Float64Array.from({ length: B * D }, (_, i) => meanOf(x, Math.floor(i / D), i % D, T, D));
    const q = linearForward(mean, query.w, query.bias, B, D, A);
    const u = linearInputGradient(q, key.w, B, D, A);
    const sizes = { B, T, D, scale: 1 / Math.sqrt(A) };
    const expected = mixture(x, u, sizes);
    expect(relativeError(bench.readPanel(base, B), mean)).toBeLessThan(1e-6);
    expect(relativeError(bench.readPanel(mix, B), expected.mix)).toBeLessThan(1e-5);
    const dmix = normals(11, B * D);
    bench.writePanel(layer.dmix, dmix, B);
    bench.run((program) => layer.backward(program, 0, B));
    const [keyTerm, queryTerm] = layer.weightTerms(base, strip);
    const du = mixtureGradient(x, expected.weights, dmix, sizes);
    const scale = T > 1 ? 1 : 0;
    expect(relativeError(bench.readPanel(keyTerm.inputs[0], B), du)).toBeLessThan(scale * 1e-4 + 1e-5);
    const dq = linearForward(du, key.w, undefined, B, D, A);
    expect(relativeError(bench.readPanel(queryTerm.gradient, B), dq)).toBeLessThan(scale * 1e-4 + 1e-5);
  });

  describe.each([
    [2, 2, 8, {}],
    [6, 5, 24, {}],
    [19, 3, 30, { varianceTarget: 0.15 }],
    [32, 5, 100, { tau: 0.005 }],
    [50, 1, 33, { tau: 1, marginDirectional: 0.5, marginAntiCopy: 0.5 }],
  ])('losses at B %i, T %i, D %i with %o', (B, T, D, changes) => {
    const config = { ...LOSS, ...changes };
    const raw = normals(20, B * D, 0.3);
    const target = Float32Array.from(normalised(normals(21, B * D), B, D));
    const context = normals(22, B * T * D);

    function losses() {
      const bench = new KernelBench(variant, wide);
      const input = new BatchInput(bench.arena, T, D, B);
      const head = new LossHead(bench.arena, input, bench.hyper, B);
      const output = bench.arena.panel(D, B);
      const base = bench.arena.panel(D, B);
      const strip = bench.arena.strip12(D, B);
      bench.open();
      bench.writePanel(output, raw, B);
      bench.writeRows(input.contexts[0], context, B * T);
      bench.writeRows(input.targets[0], target, B);
      return {
        bench,
        head,
        measure(loss: LossConfig) {
          head.writeHyper(bench.floats(bench.hyper, HYPER_WORDS), loss);
          bench.run((program) => {
            input.packTargets(program, 0, B);
            input.prepare(program, 0, base, strip, B);
            head.forwardBackward(program, { output, base: undefined, slot: 0, B }, 'gradient');
          });
          return head.results(new Float64Array(bench.buffer), loss, B, 'gradient');
        },
      };
    }

    test.each(TERMS)('%s alone: value, gradient and its norm', (term) => {
      const { bench, head, measure } = losses();
      const only = lambdaOf({ [term]: 2 });
      const k = TERMS.indexOf(term);
      const { values, gradNorms } = measure({ ...config, weights: only });
      const expected = lossTerms({ raw, target, context, B, T, D }, config)[term];
      const isDefined = !Number.isNaN(expected.value);
      expect(Number.isNaN(values[k])).toBe(!isDefined);
      if (!isDefined) return;
      expect(relativeError([values[k]], [expected.value])).toBeLessThan(1e-5);
      const gradient = expected.gradient.map((g) => 2 * g);
      expect(relativeError(bench.readPanel(head.draw, B), gradient)).toBeLessThan(2e-5);
      expect(bench.readStrip(head.drawStrip, 8, B)).toEqual(bench.readPanel(head.draw, B));
      expect(relativeError([gradNorms[k]], [Math.hypot(...gradient)])).toBeLessThan(2e-5);
    });

    test('all terms together', () => {
      const { bench, head, measure } = losses();
      const { total, cosine } = measure(config);
      const expected = totalLoss({ raw, target, context, B, T, D }, config);
      expect(relativeError([total], [expected.value])).toBeLessThan(1e-5);
      expect(relativeError(bench.readPanel(head.draw, B), expected.gradient)).toBeLessThan(2e-5);
      const unit = normalised(raw, B, D);
      const mean = unit.reduce((sum, p, i) => sum + p * target[i], 0) / B;
      expect(Math.abs(cosine - mean)).toBeLessThan(1e-6);
    });
  });

  test('moment and variance are skipped for one row', () => {
    const bench = new KernelBench(variant, wide);
    const input = new BatchInput(bench.arena, 2, 8, 1);
    const head = new LossHead(bench.arena, input, bench.hyper, 1);
    const panels = [bench.arena.panel(8, 1), bench.arena.panel(8, 1)];
    const strip = bench.arena.strip12(8, 1);
    bench.open();
    bench.writePanel(panels[0], normals(1, 8), 1);
    bench.writeRows(input.contexts[0], normals(2, 16), 2);
    bench.writeRows(input.targets[0], normals(3, 8), 1);
    head.writeHyper(bench.floats(bench.hyper, HYPER_WORDS), LOSS);
    bench.run((program) => {
      input.packTargets(program, 0, 1);
      input.prepare(program, 0, panels[1], strip, 1);
      head.forwardBackward(program, { output: panels[0], base: undefined, slot: 0, B: 1 }, 'gradient');
    });
    const { total, values, gradNorms } = head.results(new Float64Array(bench.buffer), LOSS, 1, 'gradient');
    expect([values[2], values[3], gradNorms[2], gradNorms[3]]).toEqual([
      Number.NaN,
      Number.NaN,
      Number.NaN,
      Number.NaN,
    ]);
    expect(total).toBeGreaterThan(0);
    expect(bench.readPanel(head.draw, 1).every(Number.isFinite)).toBe(true);
  });

  test.each([1, 1000])('adamw with clipping at step %i', (step) => {
    const count = 1000;
    const bench = new KernelBench(variant, wide);
    const [w, g, m, v] = Array.from({ length: 4 }, () => bench.arena.floats(count));
    bench.open();
    const start = [normals(1, count), normals(2, count), normals(3, count, 0.1), normals(4, count).map((x) => x * x)];
    [w, g, m, v].forEach((at, i) => bench.floats(at, count).set(start[i]));
    bench.doubles(bench.slots, 1)[0] = start[1].reduce((sum, x) => sum + x * x, 0);
    writeOptimizerHyper(bench.floats(bench.hyper, HYPER_WORDS), OPTIMIZER, 0.01, step);
    bench.run((program) => {
      program.takeSlots(1);
      program.add('AdamW', Adamw, 2, {
        w,
        g,
        m,
        v,
        bytes: count * 4,
        unitBytes: 2048,
        slots: bench.slots,
        slotCount: 1,
        hyper: bench.hyper,
      });
    });
    const expected = [start[0], start[2], start[3]].map((x) => Float64Array.from(x));
    adamw(expected[0], start[1], expected[1], expected[2], OPTIMIZER, 0.01, step);
    [w, m, v].forEach((at, i) => expect(relativeError(bench.floats(at, count), expected[i])).toBeLessThan(1e-6));
  });

  test('adamw moments decay to zero without denormals', () => {
    const bench = new KernelBench(variant, wide);
    const [w, g, m, v] = Array.from({ length: 4 }, () => bench.arena.floats(4));
    bench.open();
    bench.floats(m, 4).set([1e-3, -1e-3, 1e-20, 0]);
    bench.floats(v, 4).set([1e-30, 1e-34, 1e-20, 0]);
    for (let step = 1; step <= 20_000; step++) {
      writeOptimizerHyper(bench.floats(bench.hyper, HYPER_WORDS), OPTIMIZER, 1e-4, step);
      bench.run((program) =>
        program.add('AdamW', Adamw, 1, {
          w,
          g,
          m,
          v,
          bytes: 16,
          unitBytes: 16,
          slots: bench.slots,
          slotCount: 0,
          hyper: bench.hyper,
        }),
      );
    }
    const moments = [...bench.floats(m, 4), ...bench.floats(v, 4)].map(Math.abs);
    expect(moments.filter((x) => x > 0 && x < 1.18e-38)).toEqual([]);
    expect(Math.max(...moments)).toBeLessThan(1e-25);
  });

  test('halfToFloat is exact for every half', () => {
    const bench = new KernelBench(variant, wide);
    const from = bench.arena.bytes(65_536 * 2);
    const to = bench.arena.floats(65_536);
    bench.open();
    const halves = new Uint16Array(bench.buffer, from, 65_536);
    halves.forEach((_, i) => (halves[i] = i));
    bench.kernels.halfToFloat(from, to, 65_535);
    const wrong = Array.from(bench.floats(to, 65_535)).filter(
      (x, i) => !Object.is(x, half(i)) && !Number.isNaN(half(i)),
    );
    expect(wrong).toEqual([]);
    expect(bench.floats(to, 65_536)[0x7e00]).toBeNaN();
  });

  test('packTargets gives both InfoNCE products', () => {
    const [B, D] = [19, 30];
    const bench = new KernelBench(variant, wide);
    const input = new BatchInput(bench.arena, 1, D, B);
    const p = bench.arena.panel(D, B);
    const products = bench.arena.panel(B, B);
    const back = bench.arena.panel(D, B);
    bench.open();
    const targets = normals(1, B * D);
    const x = normals(2, B * D);
    bench.writeRows(input.targets[0], targets, B);
    bench.writePanel(p, x, B);
    bench.run((program) => {
      input.packTargets(program, 0, B);
      program.barrier();
      const weight = input.targetWeights(B);
      gemmForward(program, 'products', { weight, x: p, y: products, B, bias: false });
      program.barrier();
      gemmInput(program, 'back', { weight, dy: products, dx: back, B });
    });
    const unit = normalised(targets, B, D);
    const expected = linearForward(x, unit, undefined, B, D, B);
    expect(relativeError(bench.readRows(input.unitTargets, B), unit)).toBeLessThan(1e-6);
    expect(relativeError(bench.readPanel(products, B), expected)).toBeLessThan(1e-6);
    const dx = linearInputGradient(expected, unit, B, D, B);
    expect(relativeError(bench.readPanel(back, B), dx)).toBeLessThan(1e-6);
    expect(paddedFeatures(D)).toBe(48);
  });
});

function meanOf(x: Float32Array, b: number, d: number, T: number, D: number): number {
  let sum = 0;
  for (let t = 0; t < T; t++) sum += x[(b * T + t) * D + d];
  return sum / T;
}

function half(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? Number.NaN : sign * Infinity;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
