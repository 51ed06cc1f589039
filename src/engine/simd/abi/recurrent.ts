/// <reference path="./types.d.ts" />
/**
 * One time step of LSTM and GRU, PyTorch's formulas. Emitted by ../layers/lstm.ts and gru.ts, run by
 * ../assembly/layers/recurrent.ts. H hidden features; all operands are panels or strips of the step; units are panels.
 */

/**
 * c = σ(f)·c₋ + σ(i)·tanh(g), h = σ(o)·tanh(c) with gates i, f, g, o = gates of input + gates of hidden; the activated
 * gates overwrite the gates of the input.
 */
export class LstmCellForward {
  static readonly code: i32 = 44;
  /** Gates of the input [P][4H][8]. */
  readonly gates!: usize;
  readonly gatesPitch!: usize;
  /** Gates of the hidden state [P][4H][8]. */
  readonly ofHidden!: usize;
  readonly ofHiddenPitch!: usize;
  readonly H!: i32;
  /** c₋, state of the step before; 0: zero. */
  readonly cBefore!: usize;
  readonly c!: usize;
  readonly h!: usize;
  /** Of cBefore, c and h. */
  readonly statePitch!: usize;
  /** h as strip12. */
  readonly strip!: usize;
  readonly stripPitch!: usize;
}

/** Gradients of the four gates (before activation) as panel and strip8, and of c₋, from those of h and c. */
export class LstmCellBackward {
  static readonly code: i32 = 45;
  /** Activated [P][4H][8]. */
  readonly gates!: usize;
  /** Of gates and dgates. */
  readonly gatesPitch!: usize;
  readonly H!: i32;
  /** 0: zero. */
  readonly cBefore!: usize;
  readonly c!: usize;
  /** dh from above; 0: none. */
  readonly dhAbove!: usize;
  /** dh from the next step; 0: none. */
  readonly dhAfter!: usize;
  /** Gradient of c; read unless this is the last step, then overwritten by that of c₋. */
  readonly dc!: usize;
  readonly isLastStep!: i32;
  /** Of cBefore to dc. */
  readonly statePitch!: usize;
  readonly dgates!: usize;
  readonly strip!: usize;
  readonly stripPitch!: usize;
}

/**
 * r = σ(r), z = σ(z), n = tanh(n_x + r·n_h), h = n + z·(h₋ − n); r, z, n overwrite the gates of the input.
 */
export class GruCellForward {
  static readonly code: i32 = 46;
  /** Gates of the input [P][3H][8]. */
  readonly gates!: usize;
  /** Gates of the hidden state [P][3H][8]. */
  readonly ofHidden!: usize;
  /** Of gates and ofHidden. */
  readonly gatesPitch!: usize;
  readonly H!: i32;
  /** h₋, state of the step before; 0: zero. */
  readonly hBefore!: usize;
  readonly h!: usize;
  /** Of hBefore and h. */
  readonly statePitch!: usize;
  /** h as strip12. */
  readonly strip!: usize;
  readonly stripPitch!: usize;
}

/** Gradients of the gates of the input and of the hidden state, each as panel and strip8, and the direct part of dh₋. */
export class GruCellBackward {
  static readonly code: i32 = 47;
  /** Activated r, z, n [P][3H][8]. */
  readonly gates!: usize;
  readonly ofHidden!: usize;
  /** Of gates, ofHidden and their gradients. */
  readonly gatesPitch!: usize;
  readonly H!: i32;
  /** 0: zero. */
  readonly hBefore!: usize;
  /** dh from above; 0: none. */
  readonly dhAbove!: usize;
  /** dh from the next step through its gates; 0: none. */
  readonly dhAfter!: usize;
  /** dh from the next step past its gates; read unless this is the last step, then overwritten by that of this step. */
  readonly dhCarried!: usize;
  readonly isLastStep!: i32;
  /** Of hBefore to dhCarried. */
  readonly statePitch!: usize;
  readonly dgates!: usize;
  readonly dofHidden!: usize;
  readonly dgatesStrip!: usize;
  readonly dofHiddenStrip!: usize;
  /** Of both strips. */
  readonly stripPitch!: usize;
}
