/** The report or model card on screen and the work that makes it. Leaving the page cancels the work. */
import { onScopeDispose, shallowRef, type ShallowRef } from 'vue';
import type { ReportEvent, ReportOnScreen } from '#shared/contract/evaluation.ts';
import type { Recipe } from '#shared/domain/recipe/recipe.ts';
import type { ClaimOutcome } from '#shared/domain/verdicts/claims.ts';
import { saveAs } from '../../charts/export-figure.ts';
import { client } from '../../rpc.ts';
import { isCancelled } from '../../ui/feedback/errors.ts';
import { toastError } from '../../ui/feedback/toasts.ts';

export type ReportKind = 'root-cause' | 'card';
export type ReportFormat = 'md' | 'html';

export interface ReportWish {
  readonly kind: ReportKind;
  readonly runId: string;
  readonly runNumber: number;
  /** The run compared with in a root-cause report, or null. */
  readonly baselineId: string | null;
}

export interface ShownReport {
  readonly wish: ReportWish;
  readonly document: ReportOnScreen;
  /** The claim about the retrain, or null. */
  readonly claim: ClaimOutcome | null;
  readonly recipe: Recipe | null;
}

interface Made extends Omit<ShownReport, 'wish'> {
  readonly text: string;
  readonly files: readonly { readonly name: string; readonly text: string }[];
}

type Progress = (phase: string, fraction: number | null) => void;
const MIME: Readonly<Record<ReportFormat, string>> = { md: 'text/markdown', html: 'text/html' };

function stemOf({ kind, runNumber }: ReportWish): string {
  return kind === 'card' ? `model-card-run-${runNumber}` : `report-run-${runNumber}`;
}

async function make(wish: ReportWish, format: ReportFormat, progress: Progress, signal: AbortSignal): Promise<Made> {
  const { runId, baselineId } = wish;
  if (wish.kind === 'card') {
    const { document, text } = await client.evaluation.modelCard({ runId, format }, { signal });
    return { document, text, files: [], claim: null, recipe: null };
  }
  const input = { runId, baselineId, format, stem: stemOf(wish) };
  for await (const event of await client.evaluation.report(input, { signal })) {
    if (event.type === 'progress') progress(event.phase, event.fraction);
    else return made(event);
  }
  throw new Error('The report ended without a result.');
}

function made({ document, text, files, claim, recipe }: Extract<ReportEvent, { type: 'done' }>): Made {
  return { document, text, files, claim, recipe };
}

export interface ReportState {
  readonly shown: ShallowRef<ShownReport | null>;
  readonly work: ShallowRef<{ readonly phase: string; readonly fraction: number | null } | null>;
  readonly error: ShallowRef<unknown>;
  readonly show: (wish: ReportWish) => Promise<void>;
  readonly save: (format: ReportFormat) => Promise<void>;
  readonly cancel: () => void;
}

export function useReport(): ReportState {
  const shown = shallowRef<ShownReport | null>(null);
  const work = shallowRef<{ readonly phase: string; readonly fraction: number | null } | null>(null);
  const error = shallowRef<unknown>(null);
  let running: AbortController | null = null;

  /** Result of the newest work; null when it was cancelled or failed (see `failed`). */
  async function attempt(wish: ReportWish, format: ReportFormat, failed: (cause: unknown) => void) {
    running?.abort();
    const mine = new AbortController();
    running = mine;
    work.value = { phase: 'gathering the run', fraction: null };
    try {
      const progress: Progress = (phase, fraction) => {
        if (running === mine) work.value = { phase, fraction };
      };
      const result = await make(wish, format, progress, mine.signal);
      return mine.signal.aborted ? null : result;
    } catch (cause) {
      if (!mine.signal.aborted && !isCancelled(cause)) failed(cause);
      return null;
    } finally {
      if (running === mine) cancel();
    }
  }

  async function show(wish: ReportWish): Promise<void> {
    error.value = null;
    const result = await attempt(wish, 'md', (cause) => (error.value = cause));
    if (result) shown.value = { wish, ...result };
  }

  async function save(format: ReportFormat): Promise<void> {
    if (!shown.value) return;
    const { wish } = shown.value;
    const result = await attempt(wish, format, (cause) => toastError('The report was not saved', cause));
    if (!result) return;
    saveAs(`${stemOf(wish)}.${format}`, result.text, MIME[format]);
    for (const { name, text } of result.files) saveAs(name, text, 'image/svg+xml');
  }

  function cancel(): void {
    running?.abort();
    running = null;
    work.value = null;
  }
  onScopeDispose(cancel);
  return { shown, work, error, show, save, cancel };
}
