/** The inspected window. The newest request wins; late answers are dropped. */
import { ref, shallowRef, type Ref, type ShallowRef } from 'vue';
import type { Inspection, WindowPick } from '#shared/domain/evaluation/inspection.ts';
import { client } from '../../rpc.ts';
import type { Choice } from './choices.ts';

export interface InspectionState {
  readonly inspection: ShallowRef<Inspection | null>;
  readonly busy: Ref<boolean>;
  readonly error: ShallowRef<unknown>;
  readonly look: (pick: WindowPick) => Promise<void>;
}

export function useInspection(runId: string, { datasetId, part }: Choice): InspectionState {
  const inspection = shallowRef<Inspection | null>(null);
  const busy = ref(false);
  const error = shallowRef<unknown>(null);
  let asked = 0;
  let waiting: WindowPick | null = null;

  async function ask(pick: WindowPick): Promise<void> {
    const mine = ++asked;
    busy.value = true;
    try {
      const answer = await client.evaluation.inspect({ runId, datasetId, part, pick });
      if (mine === asked) [inspection.value, error.value] = [answer, null];
    } catch (cause) {
      if (mine === asked) error.value = cause;
    } finally {
      busy.value = false;
    }
  }

  /** While a request is pending only the newest next one is kept, since a slider makes many. */
  async function look(pick: WindowPick): Promise<void> {
    if (busy.value) {
      waiting = pick;
      return;
    }
    await ask(pick);
    const next = waiting;
    waiting = null;
    if (next) await look(next);
  }

  return { inspection, busy, error, look };
}
