/** The forward pass of each model: the one used for training, evaluation and the reference checks. */
import * as tf from '@tensorflow/tfjs-core';
import { inputShift, type GradientSpec } from '#shared/domain/models/models.ts';
import { CORPUS_MEAN } from '#shared/domain/models/shapes.ts';
import type { Dropout, Parameter } from '../layers.ts';
import { amnForward } from './amn.ts';
import type { Forward } from './forward.ts';
import { gruForward } from './gru.ts';
import { lstmForward } from './lstm.ts';
import { transformerForward } from './transformer.ts';

/** x [B, T, D] → raw [B, D]: the network on x less its shift, the shift added back. Call inside tf.tidy. */
export function forward(spec: GradientSpec, parameter: Parameter, x: tf.Tensor3D, dropout: Dropout): Forward {
  const kind = inputShift(spec);
  if (kind === undefined) return network(spec, parameter, x, dropout);
  const shift = kind === 'relative' ? tf.mean(x, 1, true) : parameter(CORPUS_MEAN);
  const { raw, attention } = network(spec, parameter, tf.sub(x, shift), dropout);
  return { raw: tf.add(raw, tf.reshape(shift, [-1, spec.D])), attention };
}

function network(spec: GradientSpec, parameter: Parameter, x: tf.Tensor3D, dropout: Dropout): Forward {
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
