/** The network of each model type. */
import type { GradientSpec } from '#shared/domain/models/models.ts';
import { Amn } from './amn.ts';
import { Gru } from './gru.ts';
import { Lstm } from './lstm.ts';
import type { Network, NetworkContext } from './network.ts';
import { Transformer } from './transformer.ts';

export function createNetwork(spec: GradientSpec, context: NetworkContext): Network {
  switch (spec.type) {
    case 'amn':
      return new Amn(context, spec);
    case 'lstm':
      return new Lstm(context, spec);
    case 'gru':
      return new Gru(context, spec);
    case 'transformer':
      return new Transformer(context, spec);
  }
}
