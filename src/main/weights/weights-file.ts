/**
 * Weights from a file of another program: PyTorch `.pt`/`.pth`, safetensors, or .npz under PyTorch's names. Told apart by
 * what the file holds, not by its name. Everything comes out as float32.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import { NextvecError } from '#shared/domain/errors.ts';
import { elementCount } from '#shared/domain/models.ts';
import { openArrayFile, type ArrayInfo } from '../formats/arrays.ts';
import { readRows, rowLength } from '../formats/rows.ts';
import { listMembers } from '../formats/zip.ts';
import type { Tensor } from '../formats/safetensors.ts';
import type { Plain } from '../formats/pickle/plain.ts';
import { readTorchFile } from '../formats/torch/file.ts';

export interface WeightsFile {
  readonly file: string;
  readonly format: 'pt' | 'safetensors' | 'npz';
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** What a checkpoint says beside its weights. */
  readonly rest: Readonly<Record<string, Plain>>;
}

type Kind = WeightsFile['format'] | 'legacy';

export async function readWeightsFile(path: string): Promise<WeightsFile> {
  const file = basename(path);
  const kind = await kindOf(path, file);
  if (kind === 'legacy') {
    throw new NextvecError('ARCHIVE_UNSUPPORTED', `${file} is in PyTorch's old format (before 1.6, one bare pickle).`, {
      remedy: 'If you trust it, load it in PyTorch and write it again with torch.save, which makes a zip archive.',
      details: { place: file },
    });
  }
  if (kind === 'pt') {
    const handle = await open(path, 'r');
    try {
      return { file, format: 'pt', ...(await readTorchFile(handle, (await handle.stat()).size, path)) };
    } finally {
      await handle.close();
    }
  }
  return { file, format: kind, tensors: await readArrays(path), rest: {} };
}

async function kindOf(path: string, file: string): Promise<Kind> {
  const handle = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    const code = error.code === 'ENOENT' ? 'FILE_NOT_FOUND' : 'FILE_UNREADABLE';
    const message =
      code === 'FILE_NOT_FOUND' ? `There is no file ${path}.` : `${path} cannot be opened (${error.code}).`;
    throw new NextvecError(code, message, { cause: error, details: { place: path } });
  });
  try {
    const magic = Buffer.alloc(9);
    await handle.read(magic, 0, magic.length, 0);
    if (magic.toString('latin1', 0, 2) === 'PK') {
      const members = await listMembers(handle, (await handle.stat()).size, file);
      return members.some(({ name }) => name.endsWith('.npy')) ? 'npz' : 'pt';
    }
    // The length of a safetensors header may look like the first bytes of a pickle; its ninth byte opens the header.
    const isPickle = magic[0] === 0x80 && magic[1] <= 5 && magic[8] !== 0x7b;
    return isPickle ? 'legacy' : 'safetensors';
  } finally {
    await handle.close();
  }
}

async function readArrays(path: string): Promise<Map<string, Tensor>> {
  const file = await openArrayFile(path);
  try {
    const tensors = new Map<string, Tensor>();
    for (const array of file.arrays) tensors.set(array.name, await readArray(array));
    return tensors;
  } finally {
    await file.close();
  }
}

async function readArray(array: ArrayInfo): Promise<Tensor> {
  const { kind, label } = array.dtype;
  if (kind !== 'f' && kind !== 'bf') {
    throw new NextvecError(
      'UNSUPPORTED_DTYPE',
      `${array.place}: weights must be floating-point numbers, not ${label}.`,
      {
        remedy: 'Save the weights as float16, bfloat16, float32 or float64.',
        details: { place: array.place },
      },
    );
  }
  const data = new Float32Array(elementCount(array.shape));
  // A 0-d array is read as one row of one number.
  const rows = array.shape.length === 0 ? { ...array, shape: [1] } : array;
  for await (const block of readRows(rows)) data.set(block.values, block.firstRow * rowLength(rows));
  return { shape: array.shape, data };
}

/** SHA-256 of the whole file. */
export async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
