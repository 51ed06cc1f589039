/** The simd kernels of multi-head attention against their plain references, in every build. */
import { beforeAll, describe, expect, test } from 'vitest';
import { AttentionBackward, AttentionForward } from '#engine/simd/abi/attention.ts';
import { BatchInput } from '#engine/simd/input.ts';
import { Attention } from '#engine/simd/layers/attention.ts';
import { Dropout } from '#engine/simd/layers/dropout.ts';
import { combine, sequenceRows, stepPanel } from '#engine/simd/layers/sequence.ts';
import type { Arena } from '#engine/simd/layout.ts';
import { ParameterBank } from '#engine/simd/parameters.ts';
import { attention, attentionGradient } from '../reference/attention.ts';
import { dropoutFactor } from '../reference/dropout.ts';
import { relativeError } from '#engine/verify.ts';
import { KernelBench, KERNELS, normals, prepareKernels } from '../support/kernels.ts';
import { dropoutKeys, runTraining } from '../support/simd-layers.ts';

beforeAll(prepareKernels);

interface AttentionCase {
  readonly B: number;
  readonly T: number;
  /** First query step; earlier steps are keys and values only. */
  readonly first: number;
  readonly heads: number;
  /** Features per head. */
  readonly S: number;
  /** Dropout probability. */
  readonly p: number;
}

const ATTENTION_CASES: readonly AttentionCase[] = [
  { B: 8, T: 1, first: 0, heads: 1, S: 3 },
  { B: 16, T: 4, first: 0, heads: 2, S: 5 },
  { B: 16, T: 5, first: 4, heads: 3, S: 8 },
].flatMap((shape) => [0, 0.4].map((p) => ({ ...shape, p })));

function checkAttention(bench: KernelBench, { p, ...shape }: AttentionCase): void {
  const { B, T, first, heads, S } = shape;
  const H = heads * S;
  const [queries, all] = [sequenceRows(T - first, B), sequenceRows(T, B)];
  const { arena, hyper } = bench;
  const place = (a: Arena) => ({ q: a.panel(H, queries), kv: a.panel(2 * H, all) });
  const [values, gradients] = [place(arena), place(arena)];
  const [out, dout] = [arena.panel(H, queries), arena.panel(H, queries)];
  const strips = [arena.strip12(H, queries), arena.strip8(H, queries), arena.strip8(2 * H, all)];
  const weights = arena.floats(B * heads * T * T);
  bench.open();
  const [q, k, v, dy] = [normals(1, queries * H), normals(2, all * H), normals(3, all * H), normals(4, queries * H)];
  const joined = (a: ArrayLike<number>, b: ArrayLike<number>) =>
    Float64Array.from({ length: 2 * all * H }, (_, i) => {
      const [row, f] = [Math.floor(i / (2 * H)), i % (2 * H)];
      return f < H ? a[row * H + f] : b[row * H + f - H];
    });
  bench.writePanel(values.q, q, queries);
  bench.writePanel(values.kv, joined(k, v), all);
  bench.writePanel(dout, dy, queries);
  const dropout = new Dropout(p, 7, hyper);
  const inputs = { q: values.q.at, qPitch: values.q.pitch, kv: values.kv.at, kvPitch: values.kv.pitch };
  const scale = { float: 1 / Math.sqrt(S) };
  const common = { ...inputs, P: B / 8, T, first, heads, S, weights, scale };
  runTraining(bench, (program) => {
    program.add('attention', AttentionForward, B / 8, {
      ...common,
      out: out.at,
      outPitch: out.pitch,
      strip: strips[0].at,
      stripPitch: strips[0].pitch,
      ...dropout.args(program),
    });
    program.barrier();
    program.add('attention backward', AttentionBackward, B / 8, {
      ...common,
      dout: dout.at,
      doutPitch: dout.pitch,
      dq: gradients.q.at,
      dqStrip: strips[1].at,
      dqStripPitch: strips[1].pitch,
      dkv: gradients.kv.at,
      dkvStrip: strips[2].at,
      dkvStripPitch: strips[2].pitch,
      ...dropout.args(program),
    });
  });
  const keys = dropoutKeys(bench);
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
}

function checkOutputPart(bench: KernelBench): void {
  const [B, T, heads, S] = [8, 3, 2, 7];
  const H = heads * S;
  const all = sequenceRows(T, B);
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
      const sources = bank === joint.bank ? [dqueries] : [dqueries, dkeys];
      combine(program, 'sum', { out: sum, sources, steps: T, B });
    });
    return { out: bench.readPanel(out, all), dx: bench.readPanel(stepPanel(sum, 0, B), all) };
  });
  expect(relativeError(gradients[0].out, gradients[1].out)).toBeLessThan(1e-6);
  expect(relativeError(gradients[0].dx, gradients[1].dx)).toBeLessThan(2e-6);
}

describe.each(KERNELS)('%s, wide tiles %s', (variant, wide) => {
  const bench = () => new KernelBench(variant, wide);

  test.each(ATTENTION_CASES)('attention and attentionBackward at %o', (shape) => checkAttention(bench(), shape));
  test('outputPart: queries and keys of one in_proj as one product and as two', () => checkOutputPart(bench()));
});
