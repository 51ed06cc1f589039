/** When a training step measures InfoNCE. */
import type { LossConfig } from '#shared/domain/models/terms.ts';

/** With λ = 0, InfoNCE is measured on every n-th step only: its product costs B·D multiply-adds a row. */
export const IDLE_INFO_NCE_INTERVAL = 8;

/** Which parts of InfoNCE a step computes. */
export type InfoNceMode = 'gradient' | 'value' | 'none';

/** `step`: 1-based. */
export function infoNceModeOf(loss: LossConfig, step: number): InfoNceMode {
  if (loss.weights.info_nce !== 0) return 'gradient';
  return (step - 1) % IDLE_INFO_NCE_INTERVAL === 0 ? 'value' : 'none';
}
