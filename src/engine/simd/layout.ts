/**
 * Memory layouts of the kernels and the arena they are laid out in. Offsets and pitches are bytes; features, rows and
 * inputs are elements. Every pad is zero when allocated and the kernels keep it zero.
 *
 *   rows    [B][L]             one batch row after another, L = width rounded up to 24
 *   panel   [B/8][F][8]        eight batch rows in the lanes
 *   strip12 [F/12][B][12]      input of a weight gradient
 *   strip8  [F/8][B][8]        output gradient of a weight gradient
 *   blocks  [N/12][K'+1][12]   weights and, in row K', the bias
 */
export const FLOAT_BYTES = 4;
export const DOUBLE_BYTES = 8;
const LINE_BYTES = 64;
export const PANEL_ROWS = 8;
const PANEL_ROW_BYTES = PANEL_ROWS * FLOAT_BYTES;
export const BLOCK_OUTPUTS = 12;
export const BLOCK_ROW_BYTES = BLOCK_OUTPUTS * FLOAT_BYTES;
/** Activations are padded to a multiple of both strip widths. */
const FEATURE_PAD = 24;

export function roundUp(n: number, multiple: number): number {
  return Math.ceil(n / multiple) * multiple;
}

export function paddedFeatures(features: number): number {
  return roundUp(features, FEATURE_PAD);
}

export function panelCount(B: number): number {
  return Math.ceil(B / PANEL_ROWS);
}

/** A matrix of one of the layouts above; `pitch` is the distance of its outermost slices. */
export interface Matrix {
  readonly at: number;
  readonly pitch: number;
  readonly features: number;
}

/** Hands out aligned offsets first; the memory of exactly that size is made afterwards. */
export class Arena {
  /** The constants of the kernels lie below. */
  private next = 4096;

  /** Offset of `bytes` fresh zero bytes. */
  bytes(count: number): number {
    const at = roundUp(this.next, LINE_BYTES);
    this.next = at + count;
    return at;
  }

  floats(count: number): number {
    return this.bytes(count * FLOAT_BYTES);
  }

  rows(width: number, B: number): Matrix {
    const pitch = paddedFeatures(width) * FLOAT_BYTES;
    // Kernels write whole panels and whole blocks of twelve rows.
    return { at: this.bytes(pitch * roundUp(B, FEATURE_PAD)), pitch, features: width };
  }

  panel(features: number, B: number): Matrix {
    const pitch = paddedFeatures(features) * PANEL_ROW_BYTES;
    return { at: this.bytes(pitch * panelCount(B)), pitch, features };
  }

  strip12(features: number, B: number): Matrix {
    return this.strip(features, B, 12);
  }

  strip8(features: number, B: number): Matrix {
    return this.strip(features, B, 8);
  }

  /** Pages of 64 KiB that hold everything handed out so far. */
  get pages(): number {
    return Math.ceil(this.next / 65_536) + 1;
  }

  private strip(features: number, B: number, width: number): Matrix {
    // One odd line keeps neighbouring strips out of the same cache sets.
    const pitch = roundUp(roundUp(B, PANEL_ROWS) * width * FLOAT_BYTES, LINE_BYTES) + LINE_BYTES;
    return { at: this.bytes(pitch * (paddedFeatures(features) / width)), pitch, features };
  }
}

/** Address of feature `first` inside a panel. */
export function panelRow(panel: Matrix, first: number): number {
  return panel.at + first * PANEL_ROW_BYTES;
}
