/** Bounds what one pickle may become in memory: a few bytes of opcodes can allocate gigabytes. */
import { NextvecError } from '#shared/domain/errors.ts';

/** About a million records of five fields. */
const MAX_BYTES = 288 << 20;

/** Approximate bytes of values in V8; `growth` is the room that an array gets when it is first appended to. */
export const COST = { object: 48, dict: 104, item: 24, text: 32, view: 128, growth: 176 } as const;

export class PickleBudget {
  /** File and array, for messages. */
  readonly place: string;
  private readonly maxBytes: number;
  private left: number;

  constructor(place: string, maxBytes = MAX_BYTES) {
    this.place = place;
    this.maxBytes = maxBytes;
    this.left = maxBytes;
  }

  /** Throws METADATA_REFUSED once the values of this pickle need too much memory. */
  spend(bytes: number): void {
    this.left -= bytes;
    if (this.left >= 0) return;
    throw new NextvecError(
      'METADATA_REFUSED',
      `${this.place}: the pickle was refused: its values need more than ${this.maxBytes / 2 ** 20} MB of memory.`,
      { remedy: 'Keep only what is needed in it, such as one article_index for each window, as plain numbers.' },
    );
  }
}
