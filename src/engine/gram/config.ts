/** Settings of the Gram mixture and the parts that follow from them. */

export interface Neighbours {
  /** Training windows averaged. */
  readonly count: number;
  /** Temperature of the softmax over their similarities. */
  readonly tau: number;
}

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

export interface GramConfig {
  /** λ of the ridges on p, in units of the sum over unit windows. The gate starts from `startRidge`, one of them. */
  readonly ridges: readonly number[];
  readonly startRidge: number;
  /** λ of the pooled ridges on [p, x_T]. */
  readonly pooledRidges: readonly number[];
  /**
   * ν of the spectral filters (S + νI)⁻¹S with S = PᵀP, in units of its mean eigenvalue; each gives a part of p and one of
   * x_T. They know which directions of the embedding carry topics, not which topics, and so hold in other domains.
   */
  readonly filters: readonly number[];
  /** Empty: no neighbours. */
  readonly neighbours: readonly Neighbours[];
  /** Groups of training articles; the parts of one are fitted on the others for the gate's data. */
  readonly clusters: number;
  /** At most so many windows of all clusters as they are, and so many turned by random isometries (0: none). */
  readonly plainWindows: number;
  readonly turnedWindows: number;
  /** Training windows whose keys are kept; of a larger set an even share. */
  readonly maxKeys: number;
  readonly gate: GateConfig;
}

/** The settings of the preset. */
export const DEFAULT_GRAM_CONFIG: GramConfig = {
  ridges: [3, 30, 300],
  startRidge: 30,
  pooledRidges: [30, 300],
  filters: [0.1, 1, 10],
  neighbours: [
    { count: 32, tau: 0.05 },
    { count: 256, tau: 0.1 },
  ],
  clusters: 4,
  plainWindows: 6000,
  turnedWindows: 4500,
  maxKeys: 65_536,
  gate: { hidden: 32, epochs: 12, lr: 5e-3, weightDecay: 0.01, batch: 1024, gates: 3 },
};

/** A candidate for the next vector. `index` counts among those of its kind. */
export interface Part {
  readonly kind:
    'context' | 'mean' | 'ridge' | 'pooledRidge' | 'neighbours' | 'filteredSkip' | 'filteredLast' | 'extra';
  readonly index: number;
  /** For people, e.g. "x 5", "ridge λ 30". */
  readonly name: string;
}

/** The parts in the order of coefficients and Gram matrices. */
export function listParts(config: GramConfig, T: number, extras: readonly string[] = []): readonly Part[] {
  return [
    ...Array.from({ length: T }, (_, t): Part => ({ kind: 'context', index: t, name: `x ${t + 1}` })),
    { kind: 'mean', index: 0, name: 'corpus mean' },
    ...config.ridges.map((lambda, index): Part => ({ kind: 'ridge', index, name: `ridge λ ${lambda}` })),
    ...config.pooledRidges.map((lambda, index): Part => ({
      kind: 'pooledRidge',
      index,
      name: `pooled ridge λ ${lambda}`,
    })),
    ...config.neighbours.map(({ count }, index): Part => ({ kind: 'neighbours', index, name: `${count} neighbours` })),
    ...config.filters.map((nu, index): Part => ({ kind: 'filteredSkip', index, name: `filtered skip ν ${nu}` })),
    ...config.filters.map((nu, index): Part => ({ kind: 'filteredLast', index, name: `filtered x ${T} ν ${nu}` })),
    ...extras.map((name, index): Part => ({ kind: 'extra', index, name })),
  ];
}
