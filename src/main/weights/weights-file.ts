/**
 * Weights from a file of another program: PyTorch `.pt`/`.pth`, safetensors, or .npz under PyTorch's names. Told apart by
 * what the file holds, not by its name. Everything comes out as float32.
 */
import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { basename } from 'node:path';
import { NextvecError } from '#shared/domain/errors.ts';
import { openDataFile } from '../formats/open.ts';
import type { Plain } from '../formats/pickle/plain.ts';
import { openRegularFile } from '../formats/files/regular-file.ts';
import { looksLikeSafetensors } from '../formats/safetensors.ts';
import { readFloats, type DataFile } from '../formats/columns/table.ts';
import { notFloats, readTorchFile, type StoredTensor } from '../formats/torch/file.ts';
import { unknownFile } from '../formats/unknown-file.ts';
import { listMembers } from '../formats/files/zip.ts';

export interface WeightsFile {
  readonly file: string;
  readonly format: 'pt' | 'safetensors' | 'npz';
  /** Readable while the file is open. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** What a checkpoint says beside its weights. */
  readonly rest: Readonly<Record<string, Plain>>;
}

/** Opens a file, without reading its tensors, for as long as `use` works on it. */
export async function withWeightsFile<R>(path: string, use: (weights: WeightsFile) => Promise<R>): Promise<R> {
  const file = basename(path);
  const { handle, bytes } = await openRegularFile(path);
  try {
    const format = await formatOf(handle, bytes, file);
    if (format === 'pt') return await use({ file, format, ...(await readTorchFile(handle, bytes, path)) });
  } finally {
    await handle.close();
  }
  const data = await openDataFile(path);
  try {
    const format = data.format === 'safetensors' ? 'safetensors' : 'npz';
    return await use({ file, format, tensors: await listColumns(data), rest: {} });
  } finally {
    await data.close();
  }
}

/** Arrays that are no floats are listed, and refused when they are read. */
async function listColumns(data: DataFile): Promise<Map<string, StoredTensor>> {
  const tensors = new Map<string, StoredTensor>();
  for (const name of data.names) {
    const column = await data.column(name);
    const read = async (): Promise<Float32Array> => {
      if (!column.readableAs.includes('floats')) throw notFloats(column.place, column.dtype);
      return readFloats(column);
    };
    tensors.set(name, { shape: column.shape, dtype: column.dtype, read });
  }
  return tensors;
}

async function formatOf(handle: FileHandle, fileBytes: number, file: string): Promise<WeightsFile['format']> {
  if (await looksLikeSafetensors(handle, fileBytes)) return 'safetensors';
  const magic = Buffer.alloc(2);
  await handle.read(magic, 0, magic.length, 0);
  if (magic.toString('latin1') === 'PK') {
    const members = await listMembers(handle, fileBytes, file);
    return members.some(({ name }) => name.endsWith('.npy')) ? 'npz' : 'pt';
  }
  const isPickle = magic[0] === 0x80 && magic[1] <= 5;
  if (!isPickle) {
    throw await unknownFile(
      handle,
      file,
      'a PyTorch checkpoint, safetensors or .npz file',
      'Choose a file written by torch.save, safetensors or numpy.savez.',
    );
  }
  throw new NextvecError('ARCHIVE_UNSUPPORTED', `${file} is in PyTorch's old format (before 1.6, one bare pickle).`, {
    remedy: 'If you trust it, load it in PyTorch and write it again with torch.save, which makes a zip archive.',
    details: { place: file },
  });
}

/** SHA-256 of the whole file. */
export async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  const { handle } = await openRegularFile(path);
  const chunks: AsyncIterable<Buffer> = handle.createReadStream();
  for await (const chunk of chunks) hash.update(chunk);
  return hash.digest('hex');
}
