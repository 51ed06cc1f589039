/** The forward pass of each model: the one used for training, evaluation and the reference checks. */
import type * as tf from '@tensorflow/tfjs-core';
import type { GradientSpec } from '#shared/domain/models/models.ts';
import type { Dropout, Parameter } from '../layers.ts';
import { amnForward } from './amn.ts';
import type { Forward } from './forward.ts';
import { gruForward } from './gru.ts';
import { lstmForward } from './lstm.ts';
import { transformerForward } from './transformer.ts';

/** x [B, T, D]. Call inside tf.tidy. */
export function forward(spec: GradientSpec, parameter: Parameter, x: tf.Tensor3D, dropout: Dropout): Forward {
  switch (spec.type) {
    case 'amn':
      return amnForward(spec, parameter, x);
    case 'lstm':
      return lstmForward(spec, parameter, x, dropout);
    case 'gru':
      return gruForward(spec, parameter, x);
    case 'transformer':
      return transformerForward(spec, parameter, x, dropout);
  }
}
