/// <reference path="./types.d.ts" />
/**
 * Operations that bring a batch in. Emitted by ../input.ts and ../layers/sequence.ts, run by ../assembly/input.ts and
 * sequence.ts. B batch rows, T context length, P = ⌈B/8⌉ panels.
 */

/** Copies a batch from the vector store into one input slot. Units: eight rows. */
export class Gather {
  static readonly code: i32 = 1;
  readonly slot!: i32;
  /** Rows to copy; written before every run. */
  readonly B!: i32;
}

/**
 * Mean of the context (rows, panel, strip12) and inverse norms of every context vector; pad rows become zero. Units:
 * panels.
 */
export class Prepare {
  static readonly code: i32 = 2;
  /** Rows [B][T]. */
  readonly contexts!: usize;
  readonly T!: i32;
  readonly rowBytes!: usize;
  readonly B!: i32;
  /** Mean as rows [B], written. */
  readonly base!: usize;
  readonly basePanel!: usize;
  readonly basePanelPitch!: usize;
  /** strip12; 0: not written. */
  readonly baseStrip!: usize;
  readonly baseStripPitch!: usize;
  /** Padded features, a multiple of 12. */
  readonly features!: i32;
  /** 1/|x_t| [B][T], written. */
  readonly inverseContextNorms!: usize;
}

/**
 * Context rows less a shift: their mean, or one row for all. Writes the shift, the shifted rows and the inverse norms of the
 * unshifted ones. Units: batch rows.
 */
export class ShiftInput {
  static readonly code: i32 = 24;
  /** Rows [B][T]. */
  readonly contexts!: usize;
  readonly T!: i32;
  readonly rowBytes!: usize;
  /** One row; 0: the mean of each context. */
  readonly mean!: usize;
  /** Rows [B], written. */
  readonly shift!: usize;
  /** Rows [B][T], written. */
  readonly shifted!: usize;
  /** 1/|x_t| [B][T] of `contexts`, written. */
  readonly inverseContextNorms!: usize;
}

/**
 * Unit targets as rows and as weight blocks, the "weights" of the InfoNCE products; pad rows become zero. Units: blocks of
 * 12 rows.
 */
export class PackTargets {
  static readonly code: i32 = 18;
  /** Rows [B]. */
  readonly targets!: usize;
  readonly rowBytes!: usize;
  readonly B!: i32;
  /** Rows [B], written. */
  readonly unitTargets!: usize;
  /** [B/12][features + 1][12], written except for the bias row. */
  readonly blocks!: usize;
  readonly blockPitch!: usize;
  /** A multiple of 4. */
  readonly features!: i32;
}

/**
 * Context rows as panels and strip12, step by step, and the inverse norm of every context vector; pad rows become zero.
 * Units: panels of all steps. Scratch: 8 rows.
 */
export class SequenceInput {
  static readonly code: i32 = 40;
  /** Rows [B][T]. */
  readonly contexts!: usize;
  readonly T!: i32;
  readonly rowBytes!: usize;
  readonly B!: i32;
  readonly panel!: usize;
  readonly pitch!: usize;
  readonly strip!: usize;
  readonly stripPitch!: usize;
  /** Padded features, a multiple of 12. */
  readonly features!: i32;
  /** 1/|x_t| [B][T], written. */
  readonly inverseContextNorms!: usize;
  readonly P!: i32;
}
