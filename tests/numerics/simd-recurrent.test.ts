/** The simd kernels of the LSTM and GRU cells against their plain references, in every build. */
import { beforeAll, describe, expect, test } from 'vitest';
import { GruCellBackward, GruCellForward, LstmCellBackward, LstmCellForward } from '#engine/simd/abi/recurrent.ts';
import { RecurrentProducts } from '#engine/simd/layers/recurrent.ts';
import { sequenceRows } from '#engine/simd/layers/sequence.ts';
import { ParameterBank } from '#engine/simd/parameters.ts';
import { linearWeightGradient } from '../reference/linear.ts';
import { gruStep, gruStepGradient, lstmStep, lstmStepGradient } from '../reference/recurrent.ts';
import { relativeError } from '#engine/verify.ts';
import { KernelBench, KERNELS, normals, prepareKernels } from '../support/kernels.ts';
import { add } from '../support/simd-layers.ts';

beforeAll(prepareKernels);

interface CellCase {
  readonly B: number;
  readonly H: number;
  /** The first step has no previous state. */
  readonly isFirst: boolean;
}

const CELL_CASES: readonly CellCase[] = [
  { B: 1, H: 5 },
  { B: 13, H: 30 },
  { B: 32, H: 64 },
].flatMap((size) => [true, false].map((isFirst) => ({ ...size, isFirst })));

function checkLstmCell(bench: KernelBench, { B, H, isFirst }: CellCase): void {
  const [before, dh, dc] = [1, 2, 3].map((seed) => normals(seed, B * H));
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
    program.add('cell', LstmCellForward, Math.ceil(B / 8), {
      gates: gates.at,
      gatesPitch: gates.pitch,
      ofHidden: hidden.at,
      ofHiddenPitch: hidden.pitch,
      H,
      cBefore: isFirst ? 0 : c0.at,
      c: c.at,
      h: h.at,
      statePitch: h.pitch,
      strip: hStrip.at,
      stripPitch: hStrip.pitch,
    }),
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
    program.add('cell backward', LstmCellBackward, Math.ceil(B / 8), {
      gates: gates.at,
      gatesPitch: gates.pitch,
      H,
      cBefore: isFirst ? 0 : c0.at,
      c: c.at,
      dhAbove: above.at,
      dhAfter: after.at,
      dc: carried.at,
      isLastStep: 0,
      statePitch: c.pitch,
      dgates: dgates.at,
      strip: strip.at,
      stripPitch: strip.pitch,
    }),
  );
  const gradient = lstmStepGradient(expected, state, add(dh, dc), dc, B, H);
  expect(relativeError(bench.readPanel(dgates, B), gradient.dgates)).toBeLessThan(2e-6);
  expect(relativeError(bench.readPanel(carried, B), gradient.dbefore)).toBeLessThan(1e-6);
  expect(bench.readStrip(strip, 8, B)).toEqual(bench.readPanel(dgates, B));
}

function checkGruCell(bench: KernelBench, { B, H, isFirst }: CellCase): void {
  const [before, dh, dc] = [1, 2, 3].map((seed) => normals(seed, B * H));
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
    program.add('cell', GruCellForward, Math.ceil(B / 8), {
      gates: gates.at,
      ofHidden: hidden.at,
      gatesPitch: gates.pitch,
      H,
      hBefore: isFirst ? 0 : h0.at,
      h: h.at,
      statePitch: h.pitch,
      strip: hStrip.at,
      stripPitch: hStrip.pitch,
    }),
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
    program.add('cell backward', GruCellBackward, Math.ceil(B / 8), {
      gates: gates.at,
      ofHidden: hidden.at,
      gatesPitch: gates.pitch,
      H,
      hBefore: isFirst ? 0 : h0.at,
      dhAbove: above.at,
      dhAfter: after.at,
      dhCarried: carried.at,
      isLastStep: 0,
      statePitch: h.pitch,
      dgates: dgates.at,
      dofHidden: dhidden.at,
      dgatesStrip: strip.at,
      dofHiddenStrip: hiddenStrip.at,
      stripPitch: strip.pitch,
    }),
  );
  const gradient = gruStepGradient(expected, y, state, add(dh, dc, dc), B, H);
  expect(relativeError(bench.readPanel(dgates, B), gradient.dofInput)).toBeLessThan(2e-6);
  expect(relativeError(bench.readPanel(dhidden, B), gradient.dofHidden)).toBeLessThan(2e-6);
  expect(relativeError(bench.readPanel(carried, B), gradient.dbefore)).toBeLessThan(1e-6);
  expect(bench.readStrip(strip, 8, B)).toEqual(bench.readPanel(dgates, B));
  expect(bench.readStrip(hiddenStrip, 8, B)).toEqual(bench.readPanel(dhidden, B));
}

function checkBiasRows(bench: KernelBench): void {
  const [B, T, I, H] = [16, 3, 7, 11];
  const rows = sequenceRows(T, B);
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
}

describe.each(KERNELS)('%s, wide tiles %s', (variant, wide) => {
  const bench = () => new KernelBench(variant, wide);

  test.each(CELL_CASES)('lstmCell and lstmCellBackward at %o', (cell) => checkLstmCell(bench(), cell));
  test.each(CELL_CASES)('gruCell and gruCellBackward at %o', (cell) => checkGruCell(bench(), cell));
  test('biasRows equals the product with a zero state; biasGradient is its gradient', () => checkBiasRows(bench()));
});
