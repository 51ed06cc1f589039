/** Inputs and results of the training of a Gram mixture. */
import type { GradientSpec } from '#shared/domain/models/models.ts';
import type { Recipe } from '#shared/domain/recipe/recipe.ts';
import type { NamedTensors, WindowSource } from '../types.ts';
import type { GramConfig } from './config.ts';
import type { GramDeviceFactory } from './device.ts';
import type { GramState } from './state.ts';

export type GramStage = 'clusters' | 'positions' | 'ridges' | 'cross-fit' | 'final fit' | 'gates';

/** A trained model that is to be a part. */
export interface ExtraPart {
  readonly spec: GradientSpec;
  readonly parameters: NamedTensors;
  /** How it was trained. */
  readonly recipe: Recipe;
}

export interface GramData {
  readonly source: WindowSource;
  /** Training windows and the article of each. */
  readonly train: Uint32Array;
  readonly articles: Uint32Array;
  readonly validation: Uint32Array;
  readonly ood?: { readonly source: WindowSource; readonly ids: Uint32Array };
  /** Trained models as further parts; none of them may have been trained on the validation windows. */
  readonly extras?: readonly ExtraPart[];
}

export interface GramOptions {
  readonly data: GramData;
  readonly config: GramConfig;
  readonly seed: number;
  /** State to resume from: of an earlier training with the same data, settings and seed. */
  readonly state?: GramState;
  /** For the large products; absent: the kernels of simd compute them. */
  readonly openDevice?: GramDeviceFactory;
}

/** What one epoch of the gates measured. */
export interface GramEpoch {
  readonly loss: number;
  readonly validationCosine: number;
  /** NaN without an OOD set. */
  readonly oodCosine: number;
}
