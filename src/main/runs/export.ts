/** Exports of a run: its best weights as safetensors, its command line, its series as CSV. */
import { copyFile, mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExportFormat } from '#shared/contract/runs.ts';
import { NextvecError } from '#shared/domain/errors.ts';
import { STEP_COLUMNS, type EpochRecord } from '#shared/domain/training.ts';
import type { Services } from '../rpc/context.ts';
import type { RunRow } from '../store/runs.ts';
import { listCheckpointFolders, readCheckpoint } from './checkpoint.ts';

export interface Exported {
  readonly path: string | null;
  readonly text: string | null;
  readonly fileName: string;
}

export async function exportRun(services: Services, handle: string, format: ExportFormat): Promise<Exported> {
  const { runs } = services;
  const row = runs.row(handle);
  const stem = fileStem(row);
  switch (format) {
    case 'command':
      return { path: null, text: `${runs.get(row.id).commandLine}\n`, fileName: `${stem}.sh` };
    case 'csv':
      return { path: null, text: epochsCsv(runs.get(row.id).epochs), fileName: `${stem}-epochs.csv` };
    case 'safetensors':
      return exportWeights(services, row, `${stem}.safetensors`);
  }
}

function fileStem(row: RunRow): string {
  const words = row.name.replaceAll(/[^\p{L}\p{N}._-]+/gu, '-').replaceAll(/^[-.]+|[-.]+$/g, '');
  return `run-${row.number}${words === '' || words === `Run-${row.number}` ? '' : `-${words.slice(0, 60)}`}`;
}

/** The best checkpoint, or the last where no epoch has ended yet; read whole before it is handed out. */
async function exportWeights(services: Services, row: RunRow, fileName: string): Promise<Exported> {
  const { home } = services;
  const runFolder = home.runFolder(row.id);
  const [best] = await listCheckpointFolders(runFolder, ['best']);
  const [last] = await listCheckpointFolders(runFolder, ['last', 'kept']);
  const name = best ?? last;
  if (name === undefined) {
    throw new NextvecError('NOT_FOUND', `Run ${row.number} has no checkpoint yet.`, {
      remedy: 'Export it once its first checkpoint is written.',
      details: { place: row.id },
    });
  }
  await readCheckpoint(join(runFolder, name));
  await mkdir(home.exportsFolder, { recursive: true });
  const path = join(home.exportsFolder, fileName);
  const temporary = `${path}.${process.pid}.tmp`;
  await copyFile(join(runFolder, name, 'model.safetensors'), temporary);
  await rename(temporary, path);
  return { path, text: null, fileName };
}

const EPOCH_COLUMNS = [
  'epoch',
  'step',
  'trainLoss',
  'trainCosine',
  'valLoss',
  'valCosine',
  'oodLoss',
  'oodCosine',
  'lr',
  'gradNorm',
  'rowsPerSecond',
  'durationMs',
] as const satisfies readonly (keyof EpochRecord)[];

const TERM_FIGURES = ['value', 'weighted', 'share', 'gradShare'] as const;
const TERM_NAMES = STEP_COLUMNS.filter((column) => column.startsWith('value/')).map((column) => column.slice(6));

/** One line an epoch; an empty cell was not measured. */
function epochsCsv(epochs: readonly EpochRecord[]): string {
  const termColumns = TERM_NAMES.flatMap((term) => TERM_FIGURES.map((figure) => `${term}.${figure}`));
  const lines = epochs.map((record) => {
    const terms = TERM_NAMES.flatMap((term) =>
      TERM_FIGURES.map((figure) => record.terms[term as keyof EpochRecord['terms']][figure]),
    );
    return [...EPOCH_COLUMNS.map((column) => record[column]), ...terms].map((value) => value ?? '').join(',');
  });
  return `${[[...EPOCH_COLUMNS, ...termColumns].join(','), ...lines].join('\n')}\n`;
}
