/** The report or model card on screen, and the work that makes or saves it. */
import { computed, shallowRef } from 'vue';
import type { ReportEvent } from '#shared/contract/evaluation.ts';
import { saveAs } from '../../charts/drawing/export-figure.ts';
import { client } from '../../rpc.ts';
import { useWork } from '../../ui/feedback/use-work.ts';
import { toastError } from '../../ui/feedback/toasts.ts';

export type ReportKind = 'root-cause' | 'card';
type ReportFormat = 'md' | 'html';

interface ReportWish {
  readonly kind: ReportKind;
  readonly runId: string;
  readonly runNumber: number;
  /** The run compared with in a root-cause report, or null. */
  readonly baselineId: string | null;
  /** A root-cause report quotes the texts of its sample windows. */
  readonly texts: boolean;
}

type Made = Extract<ReportEvent, { type: 'done' }>;

const MIME: Readonly<Record<ReportFormat, string>> = { md: 'text/markdown', html: 'text/html' };

function stemOf({ kind, runNumber }: ReportWish): string {
  return kind === 'card' ? `model-card-run-${runNumber}` : `report-run-${runNumber}`;
}

/** Makes a report, or a model card, which has no progress events. */
async function* make(wish: ReportWish, format: ReportFormat, signal: AbortSignal): AsyncGenerator<ReportEvent> {
  const { runId, baselineId, texts } = wish;
  if (wish.kind === 'card') {
    const card = await client.evaluation.modelCard({ runId, format }, { signal });
    yield { type: 'done', ...card, files: [], claim: null, recipe: null };
  } else yield* await client.evaluation.report({ runId, baselineId, format, stem: stemOf(wish), texts }, { signal });
}

export function useReport() {
  const shown = shallowRef<(Made & { readonly wish: ReportWish }) | null>(null);
  const making = useWork('gathering the run');
  const saving = useWork('gathering the run');

  function show(wish: ReportWish): Promise<void> {
    return making.start(
      async (signal) => make(wish, 'md', signal),
      (made) => (shown.value = { ...made, wish }),
    );
  }

  async function save(format: ReportFormat): Promise<void> {
    if (!shown.value) return;
    const { wish } = shown.value;
    await saving.start(
      async (signal) => make(wish, format, signal),
      ({ text, files }) => {
        saveAs(`${stemOf(wish)}.${format}`, text, MIME[format]);
        for (const file of files) saveAs(file.name, file.text, 'image/svg+xml');
      },
    );
    if (saving.error.value !== null) toastError('The report was not saved', saving.error.value);
  }

  function cancel(): void {
    making.cancel();
    saving.cancel();
  }

  const progress = computed(() => making.progress.value ?? saving.progress.value);
  return { shown, progress, error: making.error, show, save, cancel };
}
