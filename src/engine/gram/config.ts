/** Settings of the training of a Gram mixture. */
import { DEFAULT_MIXTURE, type GramSpec, type Mixture } from '#shared/domain/models/gram.ts';

export interface GateConfig {
  readonly hidden: number;
  readonly epochs: number;
  /** Peak of the OneCycle schedule. */
  readonly lr: number;
  readonly weightDecay: number;
  readonly batch: number;
  /** Networks whose coefficients are averaged. */
  readonly gates: number;
}

export interface GramConfig extends Mixture {
  /** Groups of training articles; the parts of one are fitted on the others for the gate's data. */
  readonly clusters: number;
  /** At most so many windows of all clusters as they are, and so many turned by random isometries (0: none). */
  readonly plainWindows: number;
  readonly turnedWindows: number;
  /** Training windows whose keys are kept; evenly spaced ones of a larger set. */
  readonly maxKeys: number;
  readonly gate: GateConfig;
}

/** The settings of the preset. */
export const DEFAULT_GRAM_CONFIG: GramConfig = {
  ...DEFAULT_MIXTURE,
  clusters: 4,
  plainWindows: 6000,
  turnedWindows: 4500,
  maxKeys: 65_536,
  gate: { hidden: 32, epochs: 12, lr: 5e-3, weightDecay: 0.01, batch: 1024, gates: 3 },
};

/** The settings for a model of this spec. */
export function configOf(
  spec: GramSpec,
  { turned, ...gate }: Omit<GateConfig, 'hidden' | 'gates'> & { readonly turned: boolean },
): GramConfig {
  const { ridges, startRidge, pooledRidges, filters, neighbours, hiddenDim: hidden, gates, keys } = spec;
  return {
    ...DEFAULT_GRAM_CONFIG,
    ridges,
    startRidge,
    pooledRidges,
    filters,
    neighbours,
    maxKeys: keys,
    turnedWindows: turned ? DEFAULT_GRAM_CONFIG.turnedWindows : 0,
    gate: { ...gate, hidden, gates },
  };
}
