/**
 * Stands in for src/renderer/rpc.ts in component tests.
 * Calls answer from `history`; a call that a test does not expect throws. Streams send nothing after their start.
 */
import { ref } from 'vue';
import { vi } from 'vitest';
import type { AppInfo, Settings } from '#shared/contract/app.ts';
import type { Dataset } from '#shared/contract/datasets.ts';
import type { RunSummary } from '#shared/contract/runs.ts';

const DEFAULTS: Settings = {
  theme: 'light',
  engine: 'auto',
  threads: null,
  parallel: 1,
  clusters: [],
  keepEveryEpochs: 0,
  menuBar: false,
};

/** What main has. Set before the component is mounted. */
export const history: { datasets: Dataset[]; runs: RunSummary[]; settings: Settings } = {
  datasets: [],
  runs: [],
  settings: DEFAULTS,
};

export function resetHistory(): void {
  Object.assign(history, { datasets: [], runs: [], settings: DEFAULTS });
}

export const connection = ref<'open'>('open');

const info: AppInfo = {
  version: '0.0.0-test',
  host: 'electron',
  platform: 'linux',
  home: '/home/test',
  nativeDialogs: true,
  cores: 2,
};

function unexpected(call: string) {
  return vi.fn<(input?: unknown, options?: unknown) => Promise<unknown>>(() =>
    Promise.reject(new Error(`Unexpected call: ${call}`)),
  );
}

export const client = {
  app: {
    info: async () => info,
    settings: {
      get: async () => history.settings,
      set: async (changes: Partial<Settings>) => (history.settings = { ...history.settings, ...changes }),
    },
    files: { choose: unexpected('app.files.choose') },
    pdf: { draw: unexpected('app.pdf.draw'), save: unexpected('app.pdf.save') },
  },
  datasets: {
    list: async () => history.datasets,
    importSample: unexpected('datasets.importSample'),
    search: unexpected('datasets.search'),
    describe: unexpected('datasets.describe'),
    preview: unexpected('datasets.preview'),
    export: unexpected('datasets.export'),
    import: unexpected('datasets.import'),
    articles: unexpected('datasets.articles'),
    articleSides: unexpected('datasets.articleSides'),
  },
  runs: {
    list: async () => history.runs,
    get: unexpected('runs.get'),
    series: unexpected('runs.series'),
    preflight: unexpected('runs.preflight'),
    start: unexpected('runs.start'),
    resume: unexpected('runs.resume'),
    export: unexpected('runs.export'),
    checkCluster: unexpected('runs.checkCluster'),
    annotate: unexpected('runs.annotate'),
    importRun: unexpected('runs.importRun'),
    delete: unexpected('runs.delete'),
  },
  plans: { create: unexpected('plans.create'), resume: unexpected('plans.resume') },
  evaluation: { list: unexpected('evaluation.list'), compareRuns: unexpected('evaluation.compareRuns') },
};

export function follow(_open: unknown, options: { onStart?: () => void | Promise<void> }): () => void {
  void options.onStart?.();
  return () => undefined;
}
