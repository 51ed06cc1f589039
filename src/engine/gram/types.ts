/** Inputs and results of the training of a Gram mixture. */
import type { WindowSource } from '../types.ts';
import type { GramConfig } from './config.ts';
import type { GramState } from './state.ts';

export type GramStage = 'clusters' | 'positions' | 'ridges' | 'cross-fit' | 'final fit' | 'gates';

/** Another model as a further part. */
export interface ExtraPart {
  readonly name: string;
  /**
   * Unit predictions [count, D] for contexts [count, T, D], by the model that has not seen cluster `fold`, or by the one
   * trained on everything (null).
   */
  predict(contexts: Float32Array, count: number, fold: number | null): Float32Array | Promise<Float32Array>;
}

export interface GramData {
  readonly source: WindowSource;
  /** Training windows and the article of each. */
  readonly train: Uint32Array;
  readonly articles: Uint32Array;
  readonly validation: Uint32Array;
  readonly ood?: { readonly source: WindowSource; readonly ids: Uint32Array };
  readonly extras?: readonly ExtraPart[];
}

export interface GramOptions {
  readonly data: GramData;
  readonly config: GramConfig;
  readonly seed: number;
  /** State to resume from: of an earlier training with the same data, settings and seed. */
  readonly state?: GramState;
}

/** What one epoch of the gates measured. */
export interface GramEpoch {
  readonly loss: number;
  readonly validationCosine: number;
  /** NaN without an OOD set. */
  readonly oodCosine: number;
}
