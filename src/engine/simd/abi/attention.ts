/// <reference path="./types.d.ts" />
/**
 * Causal multi-head attention. Emitted by ../layers/attention.ts, run by ../assembly/layers/attention.ts. P panels of one step, T
 * positions, S features a head. Queries are positions `first` to T − 1; keys and values are features [0, H) and [H, 2H) of
 * one panel, H = heads·S.
 */

/**
 * O_i = Σ_{j≤i} mask·w_ij·v_j with w_i = softmax(q_i·k_j·scale), as panel and strip12; keeps w before the mask. Units:
 * panels of one step.
 */
export class AttentionForward {
  static readonly code: i32 = 53;
  /** Panels from the first query step on. */
  readonly q!: usize;
  readonly qPitch!: usize;
  readonly kv!: usize;
  readonly kvPitch!: usize;
  readonly out!: usize;
  readonly outPitch!: usize;
  readonly P!: i32;
  readonly T!: i32;
  readonly first!: i32;
  readonly heads!: i32;
  readonly S!: i32;
  /** [P][heads][T][T][8], written. */
  readonly weights!: usize;
  /** 1/√S. */
  readonly scale!: f32;
  readonly strip!: usize;
  readonly stripPitch!: usize;
  /** Dropout: see `DropoutMask`. */
  readonly threshold!: i32;
  readonly keepScale!: f32;
  readonly site!: i32;
  readonly hyper!: usize;
}

/**
 * dQ and dKV from dO, each as panel and strip8. Keys that no query sees get zero gradients. Units: panels of one step.
 * Scratch: T vectors of four rows.
 */
export class AttentionBackward {
  static readonly code: i32 = 54;
  readonly q!: usize;
  /** Of q and dq. */
  readonly qPitch!: usize;
  readonly kv!: usize;
  /** Of kv and dkv. */
  readonly kvPitch!: usize;
  readonly dout!: usize;
  readonly doutPitch!: usize;
  readonly P!: i32;
  readonly T!: i32;
  readonly first!: i32;
  readonly heads!: i32;
  readonly S!: i32;
  /** From `AttentionForward`. */
  readonly weights!: usize;
  /** 1/√S. */
  readonly scale!: f32;
  readonly dq!: usize;
  readonly dqStrip!: usize;
  readonly dqStripPitch!: usize;
  readonly dkv!: usize;
  readonly dkvStrip!: usize;
  readonly dkvStripPitch!: usize;
  /** Dropout: see `DropoutMask`. */
  readonly threshold!: i32;
  readonly keepScale!: f32;
  readonly site!: i32;
  readonly hyper!: usize;
}
