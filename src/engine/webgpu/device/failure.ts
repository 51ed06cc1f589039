/** What can happen to a GPU while it works, in words. */
import { adapterWords, type Adapter } from '#shared/domain/runs/adapter.ts';
import { EngineFailure } from '../../failure.ts';

/** lost: the device is gone; memory: it has none left; refused: it does not accept a kernel or a command; silent: no answer. */
export type FaultKind = 'lost' | 'memory' | 'refused' | 'silent';

const FAULTS: Readonly<Record<FaultKind, { readonly what: string; readonly remedy: string }>> = {
  lost: {
    what: 'was lost',
    remedy: 'Its driver was reset or removed: restart the program, or the machine where that does not help',
  },
  memory: { what: 'has no memory left', remedy: 'Close other programs that use the GPU' },
  refused: { what: 'refused a command', remedy: 'Update its driver' },
  silent: { what: 'does not answer', remedy: 'Restart the machine, or update its driver' },
};

/** The device is gone, full, silent or has refused work: results since then are void. */
export class GpuFailure extends EngineFailure {
  override readonly name = 'GpuFailure';
  readonly kind: FaultKind;

  /** `reason`: of the driver; its first line is quoted. */
  constructor(kind: FaultKind, adapter: Adapter, reason: string) {
    const { what, remedy } = FAULTS[kind];
    const quoted = reason.trim().split('\n', 1)[0];
    super(
      `The GPU ${adapterWords(adapter)} ${what}${quoted && `: ${quoted}`}.`,
      `${remedy}, or choose another engine.`,
    );
    this.kind = kind;
  }
}
