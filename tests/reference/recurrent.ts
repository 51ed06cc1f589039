/** Plain float64 LSTM and GRU steps, PyTorch's formulas. B rows, H hidden features, matrices row-major. */

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

export interface LstmStep {
  /** Activated i, f, g, o [B, 4H]. */
  readonly gates: Float64Array;
  readonly c: Float64Array;
  readonly h: Float64Array;
}

/** One step from gates before activation [B, 4H], split between input and hidden state, and the cell before [B, H]. */
export function lstmStep(
  ofInput: ArrayLike<number>,
  ofHidden: ArrayLike<number>,
  before: ArrayLike<number>,
  B: number,
  H: number,
): LstmStep {
  const gates = new Float64Array(B * 4 * H);
  const c = new Float64Array(B * H);
  const h = new Float64Array(B * H);
  for (let b = 0; b < B; b++) {
    for (let j = 0; j < H; j++) {
      const at = (gate: number) => b * 4 * H + gate * H + j;
      const [i, f, g, o] = [0, 1, 2, 3].map((gate) => {
        const x = ofInput[at(gate)] + ofHidden[at(gate)];
        return gate === 2 ? Math.tanh(x) : sigmoid(x);
      });
      [i, f, g, o].forEach((value, gate) => (gates[at(gate)] = value));
      c[b * H + j] = f * before[b * H + j] + i * g;
      h[b * H + j] = o * Math.tanh(c[b * H + j]);
    }
  }
  return { gates, c, h };
}

/** Gradients of the gates before activation and of the cell before, from those of h and of c. */
export function lstmStepGradient(
  { gates, c }: LstmStep,
  before: ArrayLike<number>,
  dh: ArrayLike<number>,
  dc: ArrayLike<number>,
  B: number,
  H: number,
): { dgates: Float64Array; dbefore: Float64Array } {
  const dgates = new Float64Array(B * 4 * H);
  const dbefore = new Float64Array(B * H);
  for (let b = 0; b < B; b++) {
    for (let j = 0; j < H; j++) {
      const at = (gate: number) => b * 4 * H + gate * H + j;
      const n = b * H + j;
      const [i, f, g, o] = [0, 1, 2, 3].map((gate) => gates[at(gate)]);
      const squashed = Math.tanh(c[n]);
      const d = dc[n] + dh[n] * o * (1 - squashed ** 2);
      dgates[at(0)] = d * g * i * (1 - i);
      dgates[at(1)] = d * before[n] * f * (1 - f);
      dgates[at(2)] = d * i * (1 - g ** 2);
      dgates[at(3)] = dh[n] * squashed * o * (1 - o);
      dbefore[n] = d * f;
    }
  }
  return { dgates, dbefore };
}

export interface GruStep {
  /** Activated r, z, n [B, 3H]. */
  readonly gates: Float64Array;
  readonly h: Float64Array;
}

/** One step from gates before activation [B, 3H] of the input and of the hidden state, and that state [B, H]. */
export function gruStep(
  ofInput: ArrayLike<number>,
  ofHidden: ArrayLike<number>,
  before: ArrayLike<number>,
  B: number,
  H: number,
): GruStep {
  const gates = new Float64Array(B * 3 * H);
  const h = new Float64Array(B * H);
  for (let b = 0; b < B; b++) {
    for (let j = 0; j < H; j++) {
      const at = (gate: number) => b * 3 * H + gate * H + j;
      const r = sigmoid(ofInput[at(0)] + ofHidden[at(0)]);
      const z = sigmoid(ofInput[at(1)] + ofHidden[at(1)]);
      const n = Math.tanh(ofInput[at(2)] + r * ofHidden[at(2)]);
      [r, z, n].forEach((value, gate) => (gates[at(gate)] = value));
      h[b * H + j] = (1 - z) * n + z * before[b * H + j];
    }
  }
  return { gates, h };
}

/** Gradients of both kinds of gates and of the state before (its direct part), from that of h. */
export function gruStepGradient(
  { gates }: GruStep,
  ofHidden: ArrayLike<number>,
  before: ArrayLike<number>,
  dh: ArrayLike<number>,
  B: number,
  H: number,
): { dofInput: Float64Array; dofHidden: Float64Array; dbefore: Float64Array } {
  const dofInput = new Float64Array(B * 3 * H);
  const dofHidden = new Float64Array(B * 3 * H);
  const dbefore = new Float64Array(B * H);
  for (let b = 0; b < B; b++) {
    for (let j = 0; j < H; j++) {
      const at = (gate: number) => b * 3 * H + gate * H + j;
      const k = b * H + j;
      const [r, z, n] = [0, 1, 2].map((gate) => gates[at(gate)]);
      const dn = dh[k] * (1 - z) * (1 - n ** 2);
      const dr = dn * ofHidden[at(2)] * r * (1 - r);
      const dz = dh[k] * (before[k] - n) * z * (1 - z);
      [dr, dz, dn].forEach((value, gate) => (dofInput[at(gate)] = value));
      [dr, dz, dn * r].forEach((value, gate) => (dofHidden[at(gate)] = value));
      dbefore[k] = dh[k] * z;
    }
  }
  return { dofInput, dofHidden, dbefore };
}
