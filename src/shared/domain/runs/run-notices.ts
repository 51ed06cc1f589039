/** Notifications of ended runs and missed gates; the same wording on every host. */
import { figure } from '../figures.ts';
import type { GateReading } from '../recipe/gates.ts';
import { SWEEP_TAG } from './run-kinds.ts';
import type { Best } from './training.ts';

export interface Notice {
  readonly title: string;
  readonly body: string;
}

interface EndedRun {
  readonly name: string;
  readonly status: string;
  readonly reason: string;
  readonly best: Best | null;
}

const ENDINGS: Readonly<Record<string, string>> = {
  finished: 'finished',
  stopped: 'was stopped',
  failed: 'failed',
  interrupted: 'was interrupted',
};

/** Members of a sweep come by the dozen; the sweep has its own page. */
export function isSpokenFor({ tags }: { readonly tags: readonly string[] }): boolean {
  return tags.includes(SWEEP_TAG);
}

/** For a run that has ended. */
export function endNotice({ name, status, reason, best }: EndedRun): Notice {
  const figures =
    best === null
      ? ''
      : `Best epoch ${best.epoch}: validation ${figure(best.valCosine)}, OOD ${figure(best.oodCosine)}.`;
  return { title: `${name} ${ENDINGS[status]}`, body: [reason, figures].filter((part) => part !== '').join(' ') };
}

/** For a gate that was missed. */
export function gateNotice(name: string, { message }: Pick<GateReading, 'message'>): Notice {
  return { title: `${name} missed a gate`, body: message };
}
