/** The tour: its steps and their actions. It keeps nothing of its own, so that it can be left at any step and gone on with later. */
import { computed, ref } from 'vue';
import type { QueueItem } from '#shared/contract/plans.ts';
import type { RunSummary } from '#shared/contract/runs.ts';
import { tourPlan } from '#shared/domain/plans/plan-templates.ts';
import { client } from '../../rpc.ts';
import { useDatasetsStore } from '../../stores/datasets-store.ts';
import { attempt } from '../../ui/feedback/toasts.ts';
import { useWork, type Work } from '../../ui/feedback/use-work.ts';
import { STEP_KEYS, stepWords, type StepKey, type TourFacts } from './tour-words.ts';
import { useTourFacts, type StoredTour } from './use-tour-facts.ts';

export interface TourStep {
  readonly key: StepKey;
  readonly state: 'later' | 'next' | 'busy' | 'done' | 'failed';
  /** What it has shown, or why it failed. */
  readonly words: readonly string[];
  /** 0..1 while it is busy; null: not known. */
  readonly progress: number | null;
  readonly run: RunSummary | null;
}

/** A step as it is stored: that it is next, or that this page has started it, is not. */
function storedStep(key: StepKey, facts: TourFacts, item: QueueItem | null, run: RunSummary | null): TourStep {
  const later: TourStep = { key, state: 'later', words: stepWords(key, facts), progress: null, run: null };
  if (key === 'baselines' || key === 'encoder') {
    const isDone = (key === 'baselines' ? facts.onOod : facts.onTurned) !== null;
    return isDone ? { ...later, state: 'done', run: facts.mse } : later;
  }
  if (item === null || item.status === 'held') return later;
  if (item.status === 'failed' || item.status === 'blocked')
    return { ...later, state: 'failed', words: [item.reason], run };
  const isBusy = item.status === 'waiting' || item.status === 'running';
  return { ...later, state: isBusy ? 'busy' : 'done', progress: item.progress, run };
}

/** What takes a step: the plan is made or goes on, or the first run is evaluated. */
function useStepAction({ plan, item, facts, evaluations }: StoredTour, work: Work) {
  const datasets = useDatasetsStore();

  async function begin(): Promise<void> {
    const { train, ood } = await client.datasets.importSample();
    void datasets.load();
    await client.plans.create(tourPlan({ template: 'tour', dataset: train.id, ood: ood.id }, true));
  }

  async function continueItem(key: StepKey): Promise<void> {
    const one = item(key);
    if (plan.value === null || one === null) return;
    if (one.status === 'failed') await client.plans.retry({ itemId: one.id });
    else {
      if (plan.value.isPaused) await client.plans.resume({ planId: plan.value.id, itemId: null });
      await client.plans.resume({ planId: null, itemId: one.id });
    }
  }

  async function evaluate(datasetId: string | null): Promise<void> {
    const run = facts.value.mse;
    if (run === null || datasetId === null) return;
    await work.start(
      (signal) => client.evaluation.evaluate({ runId: run.id, datasetId, part: 'all' }, { signal }),
      ({ evaluation }) => (evaluations.value = [evaluation, ...evaluations.value]),
    );
  }

  async function evaluateTurned(): Promise<void> {
    const { id } = await client.datasets.importTurnedSample();
    await datasets.load();
    await evaluate(id);
  }

  return (key: StepKey): Promise<void> => {
    if (key === 'baselines') return evaluate(facts.value.mse?.recipe.ood ?? null);
    if (key === 'encoder') return evaluateTurned();
    return plan.value === null ? begin() : continueItem(key);
  };
}

export function useTour() {
  const stored = useTourFacts();
  const { plan, item, runOf, facts, proposedDetail } = stored;
  const starting = ref(false);
  const work = useWork();
  const act = useStepAction(stored, work);

  const steps = computed((): TourStep[] => {
    const all = STEP_KEYS.map((key) => storedStep(key, facts.value, item(key), runOf(key)));
    const next = all.findIndex(({ state }) => state !== 'done');
    return all.map((step, i) => {
      if (i !== next || step.state !== 'later') return step;
      return work.progress.value || starting.value
        ? { ...step, state: 'busy', progress: work.progress.value?.fraction ?? null }
        : { ...step, state: 'next' };
    });
  });

  async function take(key: StepKey): Promise<void> {
    starting.value = true;
    await attempt('The step did not start', () => act(key));
    starting.value = false;
  }

  return { steps, facts, plan, proposedDetail, error: work.error, take };
}
