/** What another program logged, before its names and counts are read: `history.ts` makes epochs and steps of it. */
import { NextvecError } from '#shared/domain/errors.ts';

/** Values that were logged at one time, by name. */
export interface LoggedRow {
  /** Optimiser steps, as the format counts them; null: it does not. */
  readonly step: number | null;
  readonly values: Map<string, number>;
}

export interface Logged {
  readonly rows: LoggedRow[];
  /** Names of what was logged and is no number: images, texts, lists. */
  readonly otherNames: string[];
  /** Whether each row is an epoch where it names none. */
  readonly isByEpoch: boolean;
  /** What is damaged or doubtful, one sentence each. */
  readonly warnings: string[];
}

const MOST_VALUES = 2_000_000;

/** Puts values into rows; throws OUT_OF_RANGE beyond 2,000,000. Those that are not finite are left out. */
export class Values {
  private readonly path: string;
  private count = 0;

  constructor(path: string) {
    this.path = path;
  }

  put({ values }: LoggedRow, name: string, value: number): void {
    if (++this.count > MOST_VALUES) {
      throw new NextvecError('OUT_OF_RANGE', `${this.path} holds more than ${MOST_VALUES} values.`, {
        remedy: 'Import the log of one run, or log fewer values.',
        details: { place: this.path },
      });
    }
    if (Number.isFinite(value)) values.set(name, value);
  }
}
