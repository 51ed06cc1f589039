/**
 * Folders that are read as one data set, one of their files damaged: save_to_disk of Hugging Face's datasets, shards of
 * several formats, and .npy files with side files. Not HDF5, whose library keeps memory of files that it refuses.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, zstdCompressSync } from 'node:zlib';
import { encodeNpy, npyHeader } from '../../../src/main/formats/npy/write.ts';
import { mutate } from '../mutate.ts';
import { importPath, table } from './import-mutant.ts';
import type { FuzzTarget } from './target.ts';

interface Tree {
  /** What is imported: the folder, or a file in it. */
  readonly path: string;
  /** Files of the folder `tree`. */
  readonly files: readonly (readonly [name: string, bytes: Uint8Array])[];
}

const text = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value, null, 2));

function trees(): Tree[] {
  const lines = gunzipSync(table('pandas.jsonl.gz')).toString().split('\n');
  const shards = (ending: string, ...parts: Uint8Array[]): Tree => ({
    path: 'tree',
    files: parts.map((bytes, i) => [`part-${i}.${ending}`, bytes] as const),
  });
  const arrow = table('small-stream.arrow');
  const names = ['data-00000-of-00002.arrow', 'data-00001-of-00002.arrow'];
  const chunks = table('chunks.npz');
  return [
    {
      path: 'tree',
      files: [
        ['state.json', text({ _data_files: names.map((filename) => ({ filename })), _split: null })],
        ['dataset_info.json', table('hugging-face/dataset_info.json')],
        ...names.map((name) => [name, arrow] as const),
      ],
    },
    shards('parquet', table('small-plain.parquet'), table('small-pages.parquet')),
    shards('feather', table('small-lz4.arrow'), table('small-lz4.arrow')),
    shards('jsonl.zst', ...[0, 20].map((at) => zstdCompressSync(lines.slice(at, at + 20).join('\n')))),
    shards('npz', chunks, chunks),
    { path: 'tree/emb.npy', files: npySides() },
    { path: 'tree', files: npySides() },
  ];
}

/** 24 vectors of four of two articles, with texts. */
function npySides(): Tree['files'] {
  const rows = 24;
  const index = Array.from({ length: rows }, (_, i) => i);
  return [
    [
      'emb.npy',
      encodeNpy({ shape: [rows, 4], data: Float32Array.from({ length: 4 * rows }, (_, i) => Math.sin(i * i)) }),
    ],
    ['emb.articles.npy', Buffer.concat([npyHeader('|u1', [rows]), Uint8Array.from(index, (i) => Math.floor(i / 12))])],
    ['emb.order.json', text(index)],
    ['emb.texts.json', text(index.map((i) => `chunk ${i}`))],
  ];
}

export async function folders(parent: string): Promise<FuzzTarget> {
  const folder = mkdtempSync(join(parent, 'nextvec-fuzz-folders-'));
  const all = trees();
  const importTree = async ({ path, files }: Tree): Promise<string> => {
    try {
      mkdirSync(join(folder, 'tree'));
      for (const [name, bytes] of files) writeFileSync(join(folder, 'tree', name), bytes);
      return await importPath(folder, path);
    } finally {
      rmSync(join(folder, 'tree'), { recursive: true, force: true });
    }
  };
  for (const tree of all) {
    const untouched = await importTree(tree);
    if (untouched !== 'accepted') throw new Error(`the undamaged ${tree.files[0][0]} was refused: ${untouched}`);
  }
  return {
    name: 'folders',
    attempt: (seed) => {
      const { path, files } = all[seed % all.length];
      const guilty = Math.floor(seed / all.length) % files.length;
      const damaged = files.map(([name, bytes], i) => [name, i === guilty ? mutate(bytes, seed) : bytes] as const);
      return importTree({ path, files: damaged });
    },
    close: async () => rmSync(folder, { recursive: true, force: true }),
  };
}
