/** States of a run, its tags and the forms it can be exported in. Without schemas, so that a page loads none for them. */

export const RUN_STATUSES = [
  'queued',
  'starting',
  'running',
  'paused',
  'finished',
  'stopped',
  'failed',
  'interrupted',
] as const;
export type RunStatus = (typeof RUN_STATUSES)[number];

const ENDED_STATUSES: readonly RunStatus[] = ['finished', 'stopped', 'failed', 'interrupted'];

export function hasEnded(status: RunStatus): boolean {
  return ENDED_STATUSES.includes(status);
}

/** Tag of the runs of a sweep. */
export const SWEEP_TAG = 'sweep';

/** Tag of the runs of a plan: "plan 3". */
export function planTag(planId: number): string {
  return `plan ${planId}`;
}

export function isPlanTag(tag: string): boolean {
  return /^plan \d+$/.test(tag);
}

/** Most tags of a run. */
export const MAX_TAGS = 20;
/** Longest tag, in characters. */
export const MAX_TAG_LENGTH = 60;

export const EXPORT_FORMATS = [
  'safetensors',
  'npz',
  'onnx',
  'tfjs',
  'golden',
  'csv',
  'series',
  'tensorboard',
  'torch-project',
  'command',
  'recipe',
] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** What each export is, for menus and help. */
export const EXPORT_LABELS: Readonly<Record<ExportFormat, string>> = {
  safetensors: 'Weights for PyTorch (safetensors)',
  npz: 'Weights for numpy (npz)',
  onnx: 'Model for ONNX',
  tfjs: 'Model for tfjs (graph model)',
  golden: 'Golden input and output (safetensors)',
  csv: 'Figures of each epoch (CSV)',
  series: 'Figures of each step (CSV)',
  tensorboard: 'Figures for TensorBoard (event file)',
  'torch-project': 'PyTorch program that trains the recipe (folder)',
  command: 'Recipe as a command line',
  recipe: 'Recipe as a file (JSON)',
};

/** Whether a file name looks like that of a history without weights. The import itself goes by the content. */
export function isHistoryName(fileName: string): boolean {
  return /\.(json|wandb)$|tfevents/i.test(fileName);
}
