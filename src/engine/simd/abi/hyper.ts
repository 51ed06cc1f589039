/// <reference path="./types.d.ts" />
import { Lambdas } from './losses.ts';

/** Numbers that change from step to step, in one block of memory that every kernel reads. */
export class Hyper extends Lambdas {
  /** InfoNCE temperature. */
  tau!: f32;
  marginDirectional!: f32;
  marginAntiCopy!: f32;
  varianceTarget!: f32;
  /** AdamW with its bias corrections folded in; see `writeOptimizerHyper`. */
  decay!: f32;
  stepSize!: f32;
  eps!: f32;
  beta1!: f32;
  beta2!: f32;
  /** 1 − beta1 and 1 − beta2. */
  keep1!: f32;
  keep2!: f32;
  clip!: f32;
  /** Added to a moment and subtracted again; see `adamwVector`. */
  grainM!: f32;
  grainV!: f32;
  /** Keys of the dropout masks of this step. */
  dropoutKey0!: u32;
  dropoutKey1!: u32;
}
