/** What a run takes of the memory of a GPU, in words. */
import type { DeviceDemand } from '#shared/contract/runs.ts';
import { adapterWords } from '#shared/domain/runs/adapter.ts';
import { formatBytes } from '../../ui/text/format.ts';

/** Bytes that stay on the GPU. */
export function deviceBytes({ modelBytes, dataBytes, keepsData }: DeviceDemand): number {
  return modelBytes + (keepsData === false ? 0 : dataBytes);
}

export function deviceNote({ adapter: { memoryBytes } }: DeviceDemand): string {
  return typeof memoryBytes === 'number' ? `of ${formatBytes(memoryBytes)}` : 'its size is not known';
}

export function deviceHelp({ adapter, modelBytes, dataBytes, keepsData, refusal }: DeviceDemand): string {
  const model = `On ${adapterWords(adapter)}: ${formatBytes(modelBytes)} for the model and its batch`;
  if (refusal) return `${model}. ${refusal}`;
  if (keepsData === false)
    return `${model}. The vectors do not fit beside it; each batch is uploaded ahead of its step.`;
  const data = `${model}, ${formatBytes(dataBytes)} for the vectors`;
  return keepsData === null ? `${data}; where those do not fit, batches are uploaded instead.` : `${data}.`;
}
