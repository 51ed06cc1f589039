/** `import` and `import-run`: data sets and runs of other programs into the storage folder, nothing trained. */
import { extname } from 'node:path';
import type { Command } from 'commander';
import type { NextvecClient } from '#shared/contract/index.ts';
import type { Dataset } from '#shared/contract/datasets.ts';
import { NextvecError } from '#shared/domain/errors.ts';
import { MODEL_TYPES } from '#shared/domain/models/models.ts';
import { existingFile } from '../../formats/files/regular-file.ts';
import { existingData } from '../../formats/shards.ts';
import { addChunkFlags, chunkOptions, countOf, type ChunkFlags } from '../flags/chunk-flags.ts';
import type { CommandContext } from '../context.ts';
import { printDatasets } from './datasets.ts';
import { findDataset, importAgain, importFile, setWarnings, storedDataset } from '../handles.ts';
import { importedWords } from './history.ts';
import { interruptible } from '../interruption.ts';
import type { Output } from '../output.ts';
import { withSession } from '../session.ts';

interface ImportFlags extends ChunkFlags {
  readonly name?: string;
  readonly half?: boolean;
  readonly again?: string;
  readonly texts: boolean;
  readonly textColumn?: string;
  readonly modelType?: string;
}

interface ImportRunFlags {
  readonly modelType?: string;
  readonly data?: string;
  readonly ood?: string;
  readonly contextLength?: string;
  readonly heads?: string;
  readonly name?: string;
  readonly tag?: string[];
}

const CHECKPOINT_FILES = new Set(['.pt', '.pth']);

export function addImportCommands(program: Command, context: CommandContext): void {
  addChunkFlags(
    program
      .command('import [FILE...]')
      .description('import data files, nothing is trained; a .pt file, or any with --model-type, is imported as a run')
      .option('--name <S>', 'name of the data set or run; the file name without it'),
  )
    .option('--again <ID>', 'the source of an imported set, with the columns and settings it was imported with')
    .option('--half', 'store vectors as float16')
    .option('--no-texts', 'leave out the texts of the file')
    .option('--text-column <NAME>', 'column of the texts; one with a known name without it')
    .option('--model-type <NAME>', `the files are checkpoints of this model (${MODEL_TYPES.join('|')})`)
    .action((files: string[], flags: ImportFlags) => context.run((out) => importGiven(context, files, flags, out)));
  program
    .command('import-run <PATH>')
    .description(
      'import a run of another program: a PyTorch .pt or safetensors checkpoint, or curves alone (training_history.json, TensorBoard event files, an offline run of W&B; a file or a folder)',
    )
    .option('--model-type <NAME>', `the model it must be (${MODEL_TYPES.join('|')}); inferred without it`)
    .option('--data <F>', 'data to measure it on: a file, an imported data set, or "sample"')
    .option('--ood <F>', 'out-of-distribution data')
    .option('--context-length <N>', 'vectors of a context, where neither the file nor the data say it')
    .option('--heads <N>', 'attention heads of a Transformer, where the file does not say them')
    .option('--name <S>', 'name of the run')
    .option('--tag <S...>', 'tags of the run')
    .action((file: string, flags: ImportRunFlags) => context.run((out) => importOneRun(context, file, flags, out)));
}

/** Files, or the source of a set. */
function importGiven(
  context: CommandContext,
  files: readonly string[],
  { again, ...flags }: ImportFlags,
  out: Output,
): Promise<void> {
  if (again === undefined) return importFiles(context, files, flags, out);
  const { texts, ...others } = flags;
  if (files.length > 0 || !texts || Object.keys(others).length > 0) {
    throw new NextvecError(
      'BAD_INPUT',
      '--again takes the file and the settings of the set; nothing else can be given.',
      {
        remedy: 'Leave the rest out, or import the file without --again.',
      },
    );
  }
  return withSession(context.options(), out, 'owner', async ({ client }) => {
    const before = await storedDataset(client, again);
    const { dataset, alreadyThere } = await interruptible((signal) => importAgain(client, before, out, signal));
    out.result({ datasets: [dataset], alreadyThere, warnings: setWarnings([dataset]) }, () =>
      printDatasets([dataset], out),
    );
  });
}

function importFiles(
  context: CommandContext,
  files: readonly string[],
  flags: ImportFlags,
  out: Output,
): Promise<void> {
  if (files.length === 0) {
    throw new NextvecError('BAD_INPUT', 'No file to import was named.', { remedy: 'Name one, or a set with --again.' });
  }
  const paths = files.map(existingData);
  if (flags.name !== undefined && paths.length > 1) {
    throw new NextvecError('BAD_INPUT', 'One --name cannot be given to several files.');
  }
  return withSession(context.options(), out, 'owner', async ({ client }) => {
    const datasets: Dataset[] = [];
    const runs: string[] = [];
    for (const path of paths) {
      if (flags.modelType !== undefined || CHECKPOINT_FILES.has(extname(path).toLowerCase())) {
        runs.push((await takeRun(client, path, flags, out)).runId);
        continue;
      }
      const options = {
        name: flags.name,
        ...chunkOptions(flags),
        dtype: flags.half ? 'float16' : null,
        texts: flags.texts,
        textColumn: flags.textColumn ?? null,
      } as const;
      datasets.push(await interruptible((signal) => importFile(client, path, out, signal, options)));
    }
    const [runId] = runs;
    out.result(
      { datasets, warnings: setWarnings(datasets), ...(runId === undefined ? {} : { runId, runIds: runs }) },
      () => printDatasets(datasets, out),
    );
  });
}

function modelTypeOf(word: string | undefined) {
  if (word === undefined) return null;
  const type = MODEL_TYPES.find((name) => name === word);
  if (type) return type;
  throw new NextvecError('BAD_INPUT', `There is no model "${word}".`, { remedy: `Models: ${MODEL_TYPES.join(', ')}.` });
}

async function takeRun(client: NextvecClient, path: string, flags: ImportRunFlags, out: Output) {
  const input = {
    path,
    name: flags.name,
    tags: flags.tag ?? [],
    modelType: modelTypeOf(flags.modelType),
    contextLength: countOf('--context-length', flags.contextLength),
    heads: countOf('--heads', flags.heads),
  };
  const find = (handle: string | undefined, role: 'train' | 'ood'): Promise<Dataset> | null =>
    handle === undefined ? null : interruptible((signal) => findDataset(client, handle, out, signal, { role }));
  const data = await find(flags.data, 'train');
  const ood = await find(flags.ood, 'ood');
  out.progress(`${path}: reading it, and proving its weights where it has any`);
  const { runId, notes } = await client.runs.importRun({ ...input, dataset: data?.id ?? null, ood: ood?.id ?? null });
  const { run, epochs } = await client.runs.get({ runId });
  out.progress(`${path}: run #${run.number}, ${run.recipe.modelType}, ${epochs.length} epochs of history`, true);
  for (const note of notes) out.progress(note, true);
  return { runId, run, notes };
}

function importOneRun(context: CommandContext, file: string, flags: ImportRunFlags, out: Output): Promise<void> {
  const path = existingFile(file);
  return withSession(context.options(), out, 'owner', async ({ client }) => {
    const { runId, run, notes } = await takeRun(client, path, flags, out);
    const { imported, parameters, baselines } = run;
    out.result(
      { runId, number: run.number, modelType: run.recipe.modelType, parameters, imported, baselines, notes },
      () => {
        const size =
          parameters === null ? 'curves without weights' : `${parameters.toLocaleString('en-US')} parameters`;
        out.line(`Run #${run.number} ${run.name} (${runId}), ${size}`);
        if (imported) out.line(importedWords(imported));
      },
    );
  });
}
