/**
 * Writes the weights of a checkpoint in one of the formats other programs read. Runs in a data worker. The checkpoint must
 * reproduce its golden output first: a file that leaves here is the model the run trained.
 */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { encodeGraphModel } from '#engine/export/graph-model.ts';
import { modelGraph } from '#engine/export/models.ts';
import { encodeOnnx } from '#engine/export/onnx.ts';
import { positionTable } from '#engine/positions.ts';
import { POSITIONS_BUFFER } from '#shared/domain/models/infer-model.ts';
import { HISTORY_NAMES, inputNames, type Task } from '#shared/domain/datasets/task.ts';
import { plural } from '#shared/domain/figures.ts';
import { listParts } from '#shared/domain/models/gram.ts';
import { MODEL_LABELS, positionWidth } from '#shared/domain/models/models.ts';
import { parameterShapes } from '#shared/domain/models/shapes.ts';
import { encodeNpz } from '../../formats/npy/write.ts';
import { writeThenRename } from '../../formats/files/output-file.ts';
import { readRegularFile } from '../../formats/files/regular-file.ts';
import { openCheckpoint } from '../../evaluation/model.ts';
import { proveGolden, readForEvaluation } from '../../evaluation/parity.ts';
import { GOLDEN_FILE, MODEL_FILE, sha256 } from '../../checkpoints/manifest.ts';
import type { LoadedCheckpoint } from '../../checkpoints/read.ts';
import type { ExportModelJob, ModelFormat } from '../../processes/jobs/export-model.ts';
import { encodeSafetensors, type Tensor } from '../../formats/safetensors.ts';

/** Longest context of the positions PyTorch's state_dict carries. */
const POSITIONS = 100;

export async function exportModel(job: ExportModelJob): Promise<void> {
  const checkpoint = await readForEvaluation(job.checkpoint, job);
  await prove(checkpoint, job);
  await mkdir(dirname(job.target), { recursive: true });
  const { format } = job;
  if (format === 'tfjs') await writeThenRename(job.target, (temporary) => writeGraphModel(temporary, checkpoint, job));
  else {
    const bytes = await fileBytes(checkpoint, job, format);
    await writeThenRename(job.target, (temporary) => writeFile(temporary, bytes));
  }
}

/** A folder with the model's files; one that `job.target` names already is removed at the end, to be replaced. */
async function writeGraphModel(folder: string, checkpoint: LoadedCheckpoint, job: ExportModelJob): Promise<void> {
  const options = { version: job.version, metadata: await metadataOf(checkpoint, job) };
  const files = encodeGraphModel(modelGraph(checkpoint.spec, checkpoint.parameters), options);
  await mkdir(folder);
  for (const [name, bytes] of files) await writeFile(join(folder, name), bytes);
  await rm(job.target, { recursive: true, force: true });
}

async function prove(checkpoint: LoadedCheckpoint, job: ExportModelJob): Promise<void> {
  const { B } = checkpoint.golden;
  await using opened = await openCheckpoint(checkpoint, job, { maxBatch: B, rows: B });
  await proveGolden(opened.model, checkpoint);
}

async function fileBytes(
  checkpoint: LoadedCheckpoint,
  job: ExportModelJob,
  format: Exclude<ModelFormat, 'tfjs'>,
): Promise<Uint8Array> {
  const { spec, parameters } = checkpoint;
  switch (format) {
    case 'safetensors':
      return encodeSafetensors(stateDict(checkpoint), { format: 'pt', model: spec.type });
    case 'npz':
      return encodeNpz(stateDict(checkpoint));
    case 'golden':
      return readRegularFile(join(checkpoint.folder, GOLDEN_FILE));
    case 'onnx': {
      const more = spec.type === 'gram' ? `, and coefficients [batch, ${listParts(spec, spec.T).length}]` : '';
      const context = `context [batch, ${spec.T}, ${spec.D}]${historyWords(job.task)}`;
      const description = `${MODEL_LABELS[spec.type]} of run #${job.run.number} ${job.run.name}: ${context} to raw and pred [batch, ${spec.D}]${more}`;
      const metadata = await metadataOf(checkpoint, job);
      return encodeOnnx(modelGraph(spec, parameters), { name: spec.type, version: job.version, description, metadata });
    }
  }
}

/** What PyTorch's state_dict of the model holds: the parameters, and the buffer of positions where it has one. */
export function stateDict({ spec, parameters }: Pick<LoadedCheckpoint, 'spec' | 'parameters'>): Map<string, Tensor> {
  const tensors = new Map<string, Tensor>(
    parameterShapes(spec).map(({ name, shape }) => [name, { shape, data: parameters.get(name)! }]),
  );
  const width = positionWidth(spec);
  if (width !== null) {
    tensors.set(POSITIONS_BUFFER, { shape: [1, POSITIONS, width], data: positionTable(POSITIONS, width) });
  }
  return tensors;
}

/** " (article mean, history mean, then 5 chunks)"; empty without history. */
function historyWords(task: Task | null): string {
  return task?.history == null ? '' : ` (${HISTORY_NAMES.join(', ')}, then ${plural(task.context, 'chunk')})`;
}

async function metadataOf(checkpoint: LoadedCheckpoint, job: ExportModelJob): Promise<Record<string, string>> {
  const hash = async (file: string): Promise<string> => sha256(await readRegularFile(join(checkpoint.folder, file)));
  const { spec, state, valCosine } = checkpoint;
  const inputs = inputNames(spec.T, job.task);
  const parts = spec.type === 'gram' ? listParts(spec, spec.T, inputs).map(({ name }) => name) : null;
  return {
    'nextvec.version': job.version,
    'nextvec.run': job.runId,
    'nextvec.run_number': String(job.run.number),
    'nextvec.run_name': job.run.name,
    'nextvec.recipe': JSON.stringify(job.recipe),
    'nextvec.model': JSON.stringify(spec),
    'nextvec.inputs': JSON.stringify(inputs),
    // What each coefficient belongs to.
    ...(parts ? { 'nextvec.parts': JSON.stringify(parts) } : {}),
    'nextvec.epoch': String(state.best?.epoch ?? state.epoch),
    'nextvec.val_cosine': valCosine === null ? '' : String(valCosine),
    'nextvec.weights_sha256': await hash(MODEL_FILE),
    'nextvec.golden_sha256': await hash(GOLDEN_FILE),
  };
}
