// The six loss terms and their gradients on the model output, formulas as in engine/losses/reference.ts.
// B rows, D width, L row length in floats (pads zero). t̂ unit target, p unit prediction, ĉ unit context vector.
import { exp4, fma, log1, maxLanes, splat, sumLanes, sumLanes64 } from './math';
import { arg, nextUnit, pointer } from './sync';
import { addScaled, dot, panelToRows, rowsToPanel, rowsToStrip8, scaled } from './rows';
import {
  HYPER_LAMBDA,
  HYPER_MARGIN_ANTI_COPY,
  HYPER_MARGIN_DIRECTIONAL,
  HYPER_TAU,
  HYPER_VARIANCE_TARGET,
  ROW_ANTI_COPY,
  ROW_COLUMN_CROSS_ENTROPY,
  ROW_COSINE,
  ROW_CROSS_ENTROPY,
  ROW_DIRECTIONAL,
  ROW_NORM2_ANTI_COPY,
  ROW_NORM2_DIRECTIONAL,
  ROW_NORM2_INFO_NCE,
  ROW_NORM2_VARIANCE,
  ROW_SQUARED_ERROR,
  ROW_WORDS,
  STATS_BLOCK,
  STATS_HINGE,
  STATS_MEAN2,
  STATS_MOMENT_GRADIENT2,
  STATS_SIGMA2,
  STATS_WORDS,
} from '../opcodes';

const MIN_NORM: f32 = 1e-12;

// @ts-ignore: decorator
@inline
function hyper(base: usize, word: i32): f32 {
  return load<f32>(base + (<usize>word << 2));
}

// @ts-ignore: decorator
@inline
function setRow(results: usize, b: i32, word: i32, value: f64): void {
  store<f64>(results + (<usize>(b * ROW_WORDS + word) << 3), value);
}

/**
 * raw = output + base as rows; with losses also the unit prediction (rows and panel), its cosines and the values of the
 * row-wise terms. Pad rows become zero.
 * args: 0 output panel, 1 its pitch, 2 base rows or 0, 3 raw rows, 4 L bytes, 5 B, 6 losses wanted, 7 targets,
 *       8 unit targets, 9 X rows, 10 T, 11 inverse context norms [B][T], 12 unit prediction rows, 13 its panel,
 *       14 panel pitch, 15 1/|raw| [B], 16 cos(p, ĉ) [B][T], 17 row results, 18 hyperparameters. Units: panels.
 */
export function output(op: usize): void {
  const L = pointer(op, 4);
  const B = arg(op, 5);
  const features = <i32>(L >> 2);
  for (let panel = nextUnit(op); panel >= 0; panel = nextUnit(op)) {
    const first = panel * 8;
    const rows = pointer(op, 3) + <usize>first * L;
    panelToRows(pointer(op, 0) + <usize>panel * pointer(op, 1), features, rows, L);
    for (let i = 0; i < 8; i++) {
      const raw = rows + <usize>i * L;
      const b = first + i;
      if (b >= B) memory.fill(raw, 0, L);
      else if (pointer(op, 2) != 0) addScaled(raw, pointer(op, 2) + <usize>b * L, 1, L);
    }
    if (arg(op, 6) == 0) continue;
    for (let i = 0; i < 8; i++) {
      const b = first + i;
      if (b < B) rowValues(op, b, rows + <usize>i * L, L);
      else memory.fill(pointer(op, 12) + <usize>b * L, 0, L);
    }
    const unit = pointer(op, 12) + <usize>first * L;
    rowsToPanel(unit, L, features, pointer(op, 13) + <usize>panel * pointer(op, 14));
  }
}

/** Values of the terms that one row decides; see `output` for the arguments. */
function rowValues(op: usize, b: i32, raw: usize, L: usize): void {
  const T = arg(op, 10);
  const target = pointer(op, 7) + <usize>b * L;
  const results = pointer(op, 17);
  const margins = pointer(op, 18);
  const inverse = <f32>1 / max<f32>(sqrt<f32>(dot(raw, raw, L)), MIN_NORM);
  store<f32>(pointer(op, 15) + (<usize>b << 2), inverse);
  scaled(pointer(op, 12) + <usize>b * L, raw, inverse, L);
  let squares = splat(0);
  for (let at: usize = 0; at < L; at += 16) {
    const d = f32x4.sub(v128.load(raw + at), v128.load(target + at));
    squares = fma(d, d, squares);
  }
  setRow(results, b, ROW_SQUARED_ERROR, sumLanes64(squares));
  const cosine = dot(raw, pointer(op, 8) + <usize>b * L, L) * inverse;
  setRow(results, b, ROW_COSINE, cosine);
  const cosines = pointer(op, 16) + (<usize>(b * T) << 2);
  const marginAntiCopy = hyper(margins, HYPER_MARGIN_ANTI_COPY);
  let antiCopy: f64 = 0;
  for (let t = 0; t < T; t++) {
    const x = pointer(op, 9) + <usize>(b * T + t) * L;
    const c = dot(raw, x, L) * inverse * load<f32>(pointer(op, 11) + (<usize>(b * T + t) << 2));
    store<f32>(cosines + (<usize>t << 2), c);
    antiCopy += max<f32>(0, marginAntiCopy - (cosine - c));
  }
  setRow(results, b, ROW_ANTI_COPY, antiCopy);
  if (T >= 2) {
    const before = load<f32>(cosines + (<usize>(T - 2) << 2));
    setRow(results, b, ROW_DIRECTIONAL, max<f32>(0, hyper(margins, HYPER_MARGIN_DIRECTIONAL) - (cosine - before)));
  } else {
    setRow(results, b, ROW_DIRECTIONAL, NaN);
  }
}

/**
 * Mean and unbiased σ over the batch of raw, target and unit prediction per dimension, and from them per dimension the
 * coefficients of two gradients: moment A + C·(raw − μ), variance V·(p − μp). Undefined (zero gradient) for B = 1.
 * args: 0 raw rows, 1 targets, 2 unit predictions, 3 L bytes, 4 B, 5 D, 6 A, 7 C, 8 μ, 9 V, 10 μp (each [L]),
 *       11 results, 12 hyperparameters. Units: blocks of STATS_BLOCK dimensions.
 */
export function batchStats(op: usize): void {
  const L = pointer(op, 3);
  const B = arg(op, 4);
  const D = arg(op, 5);
  for (let unit = nextUnit(op); unit >= 0; unit = nextUnit(op)) {
    const results = pointer(op, 11) + (<usize>(unit * STATS_WORDS) << 3);
    let mean2: f64 = 0;
    let sigma2: f64 = 0;
    let hinge: f64 = 0;
    let gradient2: f64 = 0;
    const end = min((unit + 1) * STATS_BLOCK, <i32>(L >> 2));
    for (let d = unit * STATS_BLOCK; d < end; d += 4) {
      const at = <usize>d << 2;
      const raw = pointer(op, 0) + at;
      const target = pointer(op, 1) + at;
      const unitPrediction = pointer(op, 2) + at;
      const zero = splat(0);
      if (B < 2) {
        v128.store(pointer(op, 6) + at, zero);
        v128.store(pointer(op, 7) + at, zero);
        v128.store(pointer(op, 8) + at, zero);
        v128.store(pointer(op, 9) + at, zero);
        v128.store(pointer(op, 10) + at, zero);
        continue;
      }
      let sumR = zero;
      let sumT = zero;
      let sumP = zero;
      for (let b = 0; b < B; b++) {
        const row = <usize>b * L;
        sumR = f32x4.add(sumR, v128.load(raw + row));
        sumT = f32x4.add(sumT, v128.load(target + row));
        sumP = f32x4.add(sumP, v128.load(unitPrediction + row));
      }
      const inverseB = splat(<f32>1 / <f32>B);
      const meanR = f32x4.mul(sumR, inverseB);
      const meanT = f32x4.mul(sumT, inverseB);
      const meanP = f32x4.mul(sumP, inverseB);
      let varR = zero;
      let varT = zero;
      let varP = zero;
      for (let b = 0; b < B; b++) {
        const row = <usize>b * L;
        const r = f32x4.sub(v128.load(raw + row), meanR);
        const t = f32x4.sub(v128.load(target + row), meanT);
        const p = f32x4.sub(v128.load(unitPrediction + row), meanP);
        varR = fma(r, r, varR);
        varT = fma(t, t, varT);
        varP = fma(p, p, varP);
      }
      const inverseFree = splat(<f32>1 / <f32>(B - 1));
      const sigmaR = f32x4.sqrt(f32x4.mul(varR, inverseFree));
      const sigmaT = f32x4.sqrt(f32x4.mul(varT, inverseFree));
      const sigmaP = f32x4.sqrt(f32x4.mul(varP, inverseFree));
      const meanGap = f32x4.sub(meanR, meanT);
      const sigmaGap = f32x4.sub(sigmaR, sigmaT);
      const moving = f32x4.gt(sigmaR, zero);
      const perDimension = splat(<f32>2 / <f32>D);
      v128.store(pointer(op, 6) + at, f32x4.mul(f32x4.mul(meanGap, perDimension), inverseB));
      const c = f32x4.div(f32x4.mul(f32x4.mul(sigmaGap, perDimension), inverseFree), sigmaR);
      v128.store(pointer(op, 7) + at, v128.and(c, moving));
      v128.store(pointer(op, 8) + at, meanR);
      const inside = i32x4.lt_s(i32x4.add(i32x4.splat(d), i32x4(0, 1, 2, 3)), i32x4.splat(D));
      const short = f32x4.max(f32x4.sub(splat(hyper(pointer(op, 12), HYPER_VARIANCE_TARGET)), sigmaP), zero);
      const active = v128.and(v128.and(f32x4.gt(short, zero), inside), f32x4.gt(sigmaP, zero));
      const v = f32x4.div(f32x4.mul(inverseFree, splat(<f32>-1 / <f32>D)), sigmaP);
      v128.store(pointer(op, 9) + at, v128.and(v, active));
      v128.store(pointer(op, 10) + at, meanP);
      const meanGap2 = f32x4.mul(meanGap, meanGap);
      const sigmaGap2 = f32x4.mul(sigmaGap, sigmaGap);
      mean2 += sumLanes64(meanGap2);
      sigma2 += sumLanes64(sigmaGap2);
      hinge += sumLanes64(v128.and(short, inside));
      gradient2 += sumLanes64(fma(v128.and(sigmaGap2, moving), inverseFree, f32x4.mul(meanGap2, inverseB)));
    }
    store<f64>(results + (STATS_MEAN2 << 3), B < 2 ? NaN : mean2);
    store<f64>(results + (STATS_SIGMA2 << 3), B < 2 ? NaN : sigma2);
    store<f64>(results + (STATS_HINGE << 3), B < 2 ? NaN : hinge);
    store<f64>(results + (STATS_MOMENT_GRADIENT2 << 3), B < 2 ? NaN : gradient2);
  }
}

/** All ones in the lanes of rows below B. */
// @ts-ignore: decorator
@inline
function rowMask(firstRow: i32, B: i32): v128 {
  return i32x4.lt_s(i32x4.add(i32x4.splat(firstRow), i32x4(0, 1, 2, 3)), i32x4.splat(B));
}

/** Row b's log-sum-exp from its largest product and sum (lane 0), and its cross entropy; see `infoNceRows`. */
function setLogSumExp(op: usize, products: usize, b: i32, top: v128, sum: v128): void {
  const inverseTau = <f32>1 / hyper(pointer(op, 5), HYPER_TAU);
  const lse = f32x4.extract_lane(top, 0) * inverseTau + log1(f32x4.extract_lane(sum, 0));
  store<f32>(pointer(op, 3) + (<usize>b << 2), lse);
  if (b >= arg(op, 2)) return;
  const own = load<f32>(products + (<usize>b << 5) + (<usize>(b & 7) << 2)) * inverseTau;
  setRow(pointer(op, 4), b, ROW_CROSS_ENTROPY, lse - own);
}

/**
 * Cross entropy of every row of S = P·T̂ᵀ/τ against its diagonal, and the log-sum-exp of each row.
 * args: 0 products panel [B/8][·][8], 1 pitch, 2 B, 3 row log-sum-exp [8·panels], 4 row results, 5 hyperparameters.
 * Units: panels.
 */
export function infoNceRows(op: usize): void {
  const B = arg(op, 2);
  const inverseTau = splat(<f32>1 / hyper(pointer(op, 5), HYPER_TAU));
  for (let panel = nextUnit(op); panel >= 0; panel = nextUnit(op)) {
    const products = pointer(op, 0) + <usize>panel * pointer(op, 1);
    for (let half = 0; half < 2; half++) {
      const s = products + <usize>(half << 4);
      let top = v128.load(s);
      for (let j = 1; j < B; j++) top = f32x4.max(top, v128.load(s + (<usize>j << 5)));
      let sum = splat(0);
      for (let j = 0; j < B; j++) {
        sum = f32x4.add(sum, exp4(f32x4.mul(f32x4.sub(v128.load(s + (<usize>j << 5)), top), inverseTau)));
      }
      const first = panel * 8 + half * 4;
      setLogSumExp(op, products, first, top, sum);
      setLogSumExp(op, products, first + 1, v128.shuffle<f32>(top, top, 1, 1, 1, 1), v128.shuffle<f32>(sum, sum, 1, 1, 1, 1));
      setLogSumExp(op, products, first + 2, v128.shuffle<f32>(top, top, 2, 2, 2, 2), v128.shuffle<f32>(sum, sum, 2, 2, 2, 2));
      setLogSumExp(op, products, first + 3, v128.shuffle<f32>(top, top, 3, 3, 3, 3), v128.shuffle<f32>(sum, sum, 3, 3, 3, 3));
    }
  }
}

/**
 * The same down the columns.
 * args: 0 products panel, 1 pitch, 2 B, 3 column log-sum-exp [B], 4 row results, 5 hyperparameters, 6 columns a unit.
 * Units: groups of columns.
 */
export function infoNceColumns(op: usize): void {
  const B = arg(op, 2);
  const pitch = pointer(op, 1);
  const tau = <f32>1 / hyper(pointer(op, 5), HYPER_TAU);
  const inverseTau = splat(tau);
  const size = arg(op, 6);
  const lowest = splat(-Infinity);
  for (let unit = nextUnit(op); unit >= 0; unit = nextUnit(op)) {
    for (let j = unit * size; j < min((unit + 1) * size, B); j++) {
      const column = pointer(op, 0) + (<usize>j << 5);
      let top = lowest;
      for (let b = 0; b < B; b += 4) {
        const s = v128.load(column + <usize>(b >> 3) * pitch + (<usize>(b & 4) << 2));
        top = f32x4.max(top, v128.bitselect(s, lowest, rowMask(b, B)));
      }
      const largest = maxLanes(top);
      let sum = splat(0);
      for (let b = 0; b < B; b += 4) {
        const s = v128.load(column + <usize>(b >> 3) * pitch + (<usize>(b & 4) << 2));
        const e = exp4(f32x4.mul(f32x4.sub(s, splat(largest)), inverseTau));
        sum = f32x4.add(sum, v128.and(e, rowMask(b, B)));
      }
      const lse = largest * tau + log1(sumLanes(sum));
      store<f32>(pointer(op, 3) + (<usize>j << 2), lse);
      const own = load<f32>(column + <usize>(j >> 3) * pitch + (<usize>(j & 7) << 2)) * tau;
      setRow(pointer(op, 4), j, ROW_COLUMN_CROSS_ENTROPY, lse - own);
    }
  }
}

/**
 * Replaces the products by ∂InfoNCE/∂(P·T̂ᵀ); pads become zero.
 * args: 0 products panel, 1 pitch, 2 B, 3 row log-sum-exp, 4 column log-sum-exp, 5 hyperparameters. Units: panels.
 */
export function infoNceGradient(op: usize): void {
  const B = arg(op, 2);
  const tau = <f32>1 / hyper(pointer(op, 5), HYPER_TAU);
  const inverseTau = splat(tau);
  const weight = tau / <f32>B;
  const scale = splat(weight);
  const padded = ((B + 11) / 12) * 12;
  for (let panel = nextUnit(op); panel >= 0; panel = nextUnit(op)) {
    const products = pointer(op, 0) + <usize>panel * pointer(op, 1);
    for (let half = 0; half < 2; half++) {
      const row = panel * 8 + half * 4;
      const mask = rowMask(row, B);
      const rowLse = v128.load(pointer(op, 3) + (<usize>row << 2));
      const s = products + <usize>(half << 4);
      for (let j = 0; j < B; j++) {
        const at = s + (<usize>j << 5);
        const logit = f32x4.mul(v128.load(at), inverseTau);
        const columnLse = v128.load32_splat(pointer(op, 4) + (<usize>j << 2));
        const e = f32x4.add(exp4(f32x4.sub(logit, rowLse)), exp4(f32x4.sub(logit, columnLse)));
        v128.store(at, v128.and(f32x4.mul(e, scale), mask));
      }
      for (let j = B; j < padded; j++) v128.store(s + (<usize>j << 5), splat(0));
    }
    for (let i = 0; i < 8; i++) {
      const b = panel * 8 + i;
      if (b >= B) break;
      const at = products + (<usize>b << 5) + (<usize>i << 2);
      store<f32>(at, load<f32>(at) - <f32>2 * weight);
    }
  }
}

/** ‖g − (g·p)p‖², the part of a gradient on the unit prediction that reaches the raw output (times 1/|raw|²). */
function tangentNorm2(g: usize, p: usize, along: f32, L: usize): f64 {
  const factor = splat(-along);
  let sum = splat(0);
  for (let at: usize = 0; at < L; at += 16) {
    const v = fma(factor, v128.load(p + at), v128.load(g + at));
    sum = fma(v, v, sum);
  }
  return sumLanes64(sum);
}

/** Adds λ·g to the total gradient on the unit prediction and records the norm of g on the raw output. */
function addUnitTerm(op: usize, b: i32, g: usize, p: usize, total: usize, lambda: f32, word: i32, L: usize): void {
  const inverse = load<f32>(pointer(op, 9) + (<usize>b << 2));
  const along: f32 = inverse * MIN_NORM >= 1 ? 0 : dot(g, p, L);
  setRow(pointer(op, 16), b, word, tangentNorm2(g, p, along, L) * <f64>inverse * <f64>inverse);
  if (lambda != 0) addScaled(total, g, lambda, L);
}

/**
 * Gradient of the total loss on raw, as panel and strip8, and the squared gradient norm of each unit-vector term whose
 * λ is not 0 (0 otherwise).
 * args: 0 dP panel or 0 (InfoNCE not measured), 1 its pitch, 2 raw, 3 targets, 4 unit targets, 5 X rows, 6 T, 7 inverse
 *       context norms, 8 unit predictions, 9 1/|raw|, 10 cos(p, ĉ), 11..15 A, C, μ, V, μp of the batch statistics,
 *       16 row results, 17 hyperparameters, 18 L bytes, 19 B, 20 D, 21 draw panel, 22 pitch, 23 strip8, 24 strip8 pitch.
 * Units: panels. Scratch: 10 rows.
 */
export function lossRows(op: usize, scratch: usize): void {
  const L = pointer(op, 18);
  const B = arg(op, 19);
  const features = <i32>(L >> 2);
  for (let panel = nextUnit(op); panel >= 0; panel = nextUnit(op)) {
    if (pointer(op, 0) != 0) panelToRows(pointer(op, 0) + <usize>panel * pointer(op, 1), features, scratch, L);
    for (let i = 0; i < 8; i++) {
      const b = panel * 8 + i;
      const row = scratch + <usize>i * L;
      if (b < B) lossRow(op, b, row, scratch + 8 * L, scratch + 9 * L, L);
      else memory.fill(row, 0, L);
    }
    rowsToPanel(scratch, L, features, pointer(op, 21) + <usize>panel * pointer(op, 22));
    rowsToStrip8(scratch, L, features, pointer(op, 23), pointer(op, 24), panel * 8);
  }
}

/** One row of `lossRows`: `row` holds dP on entry and draw on return; g and total are scratch rows. */
function lossRow(op: usize, b: i32, row: usize, g: usize, total: usize, L: usize): void {
  const h = pointer(op, 17);
  const B = arg(op, 19);
  const T = arg(op, 6);
  const p = pointer(op, 8) + <usize>b * L;
  const target = pointer(op, 4) + <usize>b * L;
  const inverse = load<f32>(pointer(op, 9) + (<usize>b << 2));
  const cosines = pointer(op, 10) + (<usize>(b * T) << 2);
  const cosine = <f32>load<f64>(pointer(op, 16) + (<usize>(b * ROW_WORDS + ROW_COSINE) << 3));
  memory.fill(total, 0, L);
  for (let word = ROW_NORM2_INFO_NCE; word <= ROW_NORM2_ANTI_COPY; word++) setRow(pointer(op, 16), b, word, 0);
  if (pointer(op, 0) != 0) {
    addUnitTerm(op, b, row, p, total, hyper(h, HYPER_LAMBDA + 1), ROW_NORM2_INFO_NCE, L);
  }
  if (hyper(h, HYPER_LAMBDA + 3) != 0) {
    for (let at: usize = 0; at < L; at += 16) {
      const away = f32x4.sub(v128.load(p + at), v128.load(pointer(op, 15) + at));
      v128.store(g + at, f32x4.mul(v128.load(pointer(op, 14) + at), away));
    }
    addUnitTerm(op, b, g, p, total, hyper(h, HYPER_LAMBDA + 3), ROW_NORM2_VARIANCE, L);
  }
  if (T >= 2 && hyper(h, HYPER_LAMBDA + 4) != 0) {
    const before = load<f32>(cosines + (<usize>(T - 2) << 2));
    if (hyper(h, HYPER_MARGIN_DIRECTIONAL) - (cosine - before) > 0) {
      const inverseNorm = load<f32>(pointer(op, 7) + (<usize>(b * T + T - 2) << 2));
      scaled(g, target, <f32>-1 / <f32>B, L);
      addScaled(g, pointer(op, 5) + <usize>(b * T + T - 2) * L, inverseNorm / <f32>B, L);
      addUnitTerm(op, b, g, p, total, hyper(h, HYPER_LAMBDA + 4), ROW_NORM2_DIRECTIONAL, L);
    }
  }
  if (hyper(h, HYPER_LAMBDA + 5) != 0) addAntiCopy(op, b, g, p, total, cosine, L);
  combineRow(op, b, row, p, total, inverse, L);
}

/** The anti-copy term of one row: −t̂ + ĉ_t for every position that is too near. */
function addAntiCopy(op: usize, b: i32, g: usize, p: usize, total: usize, cosine: f32, L: usize): void {
  const h = pointer(op, 17);
  const T = arg(op, 6);
  const target = pointer(op, 4) + <usize>b * L;
  const cosines = pointer(op, 10) + (<usize>(b * T) << 2);
  const share = <f32>1 / <f32>(arg(op, 19) * T);
  let active = 0;
  for (let t = 0; t < T; t++) {
    if (hyper(h, HYPER_MARGIN_ANTI_COPY) - (cosine - load<f32>(cosines + (<usize>t << 2))) <= 0) continue;
    const x = pointer(op, 5) + <usize>(b * T + t) * L;
    const factor = load<f32>(pointer(op, 7) + (<usize>(b * T + t) << 2)) * share;
    if (active == 0) scaled(g, x, factor, L);
    else addScaled(g, x, factor, L);
    active++;
  }
  if (active == 0) return;
  addScaled(g, target, -share * <f32>active, L);
  addUnitTerm(op, b, g, p, total, hyper(h, HYPER_LAMBDA + 5), ROW_NORM2_ANTI_COPY, L);
}

/** draw = λ_mse·∂mse + λ_moment·∂moment + (total − (total·p)p)/|raw|. */
function combineRow(op: usize, b: i32, row: usize, p: usize, total: usize, inverse: f32, L: usize): void {
  const h = pointer(op, 17);
  const raw = pointer(op, 2) + <usize>b * L;
  const target = pointer(op, 3) + <usize>b * L;
  const along = splat(inverse * MIN_NORM >= 1 ? <f32>0 : -dot(total, p, L));
  const scale = splat(inverse);
  const mse = splat((hyper(h, HYPER_LAMBDA) * 2) / <f32>(arg(op, 19) * arg(op, 20)));
  const moment = splat(hyper(h, HYPER_LAMBDA + 2));
  for (let at: usize = 0; at < L; at += 16) {
    const r = v128.load(raw + at);
    let d = f32x4.mul(scale, fma(along, v128.load(p + at), v128.load(total + at)));
    d = fma(mse, f32x4.sub(r, v128.load(target + at)), d);
    const away = f32x4.sub(r, v128.load(pointer(op, 13) + at));
    d = fma(moment, fma(v128.load(pointer(op, 12) + at), away, v128.load(pointer(op, 11) + at)), d);
    v128.store(row + at, d);
  }
}
