/**
 * The tour: its plan, runs and evaluations as they are stored, and its actions. It keeps nothing of its own, so that it can
 * be left at any step and gone on with later.
 */
import { computed, ref, shallowRef, watch } from 'vue';
import type { RunDetail, RunSummary } from '#shared/contract/runs.ts';
import type { Evaluation } from '#shared/domain/evaluation/evaluation.ts';
import { isTurnedSample } from '#shared/domain/datasets/turned-sample.ts';
import { isTour, tourPlan } from '#shared/domain/plans/plan-templates.ts';
import { client } from '../../rpc.ts';
import { useDatasetsStore } from '../../stores/datasets-store.ts';
import { usePlansStore } from '../../stores/plans-store.ts';
import { useRunsStore } from '../../stores/runs-store.ts';
import { attempt } from '../../ui/feedback/toasts.ts';
import { useWork } from '../../ui/feedback/use-work.ts';
import { STEP_KEYS, stepWords, type StepKey, type TourFacts } from './tour-words.ts';

export interface TourStep {
  readonly key: StepKey;
  readonly state: 'later' | 'next' | 'busy' | 'done' | 'failed';
  /** What it has shown, or why it failed. */
  readonly words: readonly string[];
  /** 0..1 while it is busy; null: not known. */
  readonly progress: number | null;
  readonly run: RunSummary | null;
}

export function useTour() {
  const plans = usePlansStore();
  const runs = useRunsStore();
  const datasets = useDatasetsStore();
  const evaluations = shallowRef<readonly Evaluation[]>([]);
  const proposedDetail = shallowRef<RunDetail | null>(null);
  const starting = ref(false);
  const work = useWork();

  const plan = computed(() => plans.plans.find(({ items }) => isTour(items)) ?? null);
  const item = (key: string) => plan.value?.items.find((one) => one.key === key) ?? null;
  const runOf = (key: string) => runs.byId.get(item(key)?.runId ?? '') ?? null;
  const turned = computed(() => datasets.list.find(isTurnedSample) ?? null);

  const facts = computed((): TourFacts => {
    const mse = runOf('mse');
    const on = (id: string | null | undefined) => evaluations.value.find((one) => one.data.id === id) ?? null;
    const last = proposedDetail.value?.epochs.at(-1);
    return {
      mse,
      proposed: runOf('proposed'),
      leaking: runOf('leaking'),
      robust: runOf('robust'),
      onOod: mse?.recipe.ood ? on(mse.recipe.ood) : null,
      onTurned: turned.value && on(turned.value.id),
      infoShare: last?.terms.info_nce.gradShare ?? null,
      reportPath: item('report')?.reportPath ?? null,
    };
  });

  /** Runs and evaluations that are read once a run has ended. */
  const ended = (key: string) => (runOf(key)?.status === 'finished' ? (runOf(key)?.id ?? null) : null);
  watch(
    () => ended('mse'),
    (runId) => {
      if (runId === null) evaluations.value = [];
      else void attempt('The evaluations could not be read', () => readEvaluations(runId));
    },
    { immediate: true },
  );
  watch(
    () => ended('proposed'),
    async (runId) => {
      proposedDetail.value = null;
      if (runId === null) return;
      await attempt('The run could not be read', async () => (proposedDetail.value = await client.runs.get({ runId })));
    },
    { immediate: true },
  );

  async function readEvaluations(runId: string): Promise<void> {
    evaluations.value = await client.evaluation.list({ runId });
  }

  function stateOf(key: StepKey): Omit<TourStep, 'key'> {
    const words = stepWords(key, facts.value);
    const later = { state: 'later' as const, words, progress: null, run: null };
    if (key === 'baselines' || key === 'encoder') {
      const isDone = (key === 'baselines' ? facts.value.onOod : facts.value.onTurned) !== null;
      return { ...later, state: isDone ? 'done' : 'later', run: isDone ? facts.value.mse : null };
    }
    const one = item(key);
    if (one === null || one.status === 'held') return later;
    const run = runOf(key);
    if (one.status === 'failed' || one.status === 'blocked')
      return { ...later, state: 'failed', words: [one.reason], run };
    const isBusy = one.status === 'waiting' || one.status === 'running';
    return { words, state: isBusy ? 'busy' : 'done', progress: one.progress, run };
  }

  const steps = computed((): TourStep[] => {
    const all = STEP_KEYS.map((key) => ({ key, ...stateOf(key) }));
    const next = all.findIndex(({ state }) => state !== 'done');
    return all.map((step, i) => {
      if (i !== next || step.state !== 'later') return step;
      return work.progress.value || starting.value
        ? { ...step, state: 'busy', progress: work.progress.value?.fraction ?? null }
        : { ...step, state: 'next' };
    });
  });

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

  async function act(key: StepKey): Promise<void> {
    if (key === 'baselines') return evaluate(facts.value.mse?.recipe.ood ?? null);
    if (key === 'encoder') return evaluateTurned();
    return plan.value === null ? begin() : continueItem(key);
  }

  async function take(key: StepKey): Promise<void> {
    starting.value = true;
    await attempt('The step did not start', () => act(key));
    starting.value = false;
  }

  return { steps, facts, plan, proposedDetail, error: work.error, take };
}
