/** Predictions as main sends them. */
import type { PredictedRow, PredictionResult } from '#shared/contract/inference.ts';
import { DEFAULT_MIXTURE, listParts, type Part } from '#shared/domain/models/gram.ts';

/** Shares of the parts of `mixtureRow`, by kind and index; the others have none. */
const SHARES: Partial<Record<Part['kind'], readonly number[]>> = {
  context: [0.02, 0.03, 0.06, 0.1, 0.4],
  neighbours: [0.15, 0.05],
  ridge: [0.25, -0.06],
};

/** A window predicted by a Gram mixture of the preset. */
export function mixtureRow(): PredictedRow {
  return {
    row: 7,
    norm: 0.9,
    place: null,
    targetCosine: 0.56,
    baselines: { contextMean: 0.5, lastVector: 0.4 },
    contextCosines: [0.5, 0.5, 0.6, 0.6, 0.7],
    attention: null,
    parts: listParts({ ...DEFAULT_MIXTURE, extras: [] }, 5).map(({ kind, name, index }) => {
      const share = SHARES[kind]?.[index] ?? 0;
      return { kind, name, share, coefficient: share };
    }),
    context: null,
    target: null,
    neighbours: [],
  };
}

export function prediction(modelType: PredictionResult['modelType'], row: PredictedRow): PredictionResult {
  const vector = () => new Float32Array(64);
  return {
    runId: 'run-1',
    modelType,
    T: 5,
    D: 64,
    task: { context: 5, history: null },
    engine: 'simd',
    parity: { goldenMaxAbs: 0, goldenMaxRelative: 0 },
    neighboursIn: null,
    raw: vector(),
    pred: vector(),
    rows: [row],
  };
}
