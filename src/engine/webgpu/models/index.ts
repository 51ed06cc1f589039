/** The network of each model type. */
import type { GradientSpec } from '#shared/domain/models/models.ts';
import { Amn } from './amn.ts';
import type { Network, NetworkContext } from './network.ts';

export function createNetwork(spec: GradientSpec, context: NetworkContext): Network {
  switch (spec.type) {
    case 'amn':
      return new Amn(context, spec);
    default:
      throw new Error(`the webgpu engine has no ${spec.type} yet; choose another engine`);
  }
}
