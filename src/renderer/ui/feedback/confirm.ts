/**
 * Confirms an action that cannot be undone: `if (await confirm({...})) …`. Shown by ui/feedback/UiConfirm.vue in
 * App.vue.
 */
import { readonly, shallowRef } from 'vue';

export interface Question {
  readonly title: string;
  readonly text: string;
  /** Label of the button, a verb: "Delete 2 runs". */
  readonly action: string;
  readonly danger?: boolean;
}

interface Asked extends Question {
  readonly answer: (yes: boolean) => void;
}

const asked = shallowRef<Asked | null>(null);
export const askedQuestion = readonly(asked);

export function confirm(question: Question): Promise<boolean> {
  asked.value?.answer(false);
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const answer = (yes: boolean) => {
    asked.value = null;
    resolve(yes);
  };
  asked.value = { ...question, answer };
  return promise;
}
