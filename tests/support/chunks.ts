/** Writes a small data set of chunks as .npz: articles whose vectors are random walks, so that contexts carry signal. */
import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { ZipFile } from 'yazl';
import { Random } from '#engine/random.ts';

export interface ChunkFile {
  readonly articles: number;
  readonly chunksPerArticle: number;
  readonly D: number;
  readonly seed?: number;
  /** Text of each chunk; absent: the file has none. */
  readonly textOf?: (article: number, chunk: number) => string;
  /** Values of a formula instead of random ones, for a large file whose content does not matter. */
  readonly isPlain?: boolean;
}

/** Column of texts as numpy's fixed-width unicode. */
function npyTexts(texts: readonly string[]): Buffer {
  const width = Math.max(...texts.map((text) => text.length));
  const codes = new Uint32Array(texts.length * width);
  texts.forEach((text, row) => [...text].forEach((c, i) => (codes[row * width + i] = c.codePointAt(0)!)));
  return npy(`<U${width}`, [texts.length], codes);
}

function npy(descr: string, shape: readonly number[], data: NodeJS.ArrayBufferView): Buffer {
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${shape.join(', ')}${shape.length === 1 ? ',' : ''}), }`;
  const header = text.padEnd(Math.ceil((text.length + 11) / 64) * 64 - 11) + '\n';
  const prefix = Buffer.from([0x93, ...Buffer.from('NUMPY'), 1, 0, header.length & 255, header.length >> 8]);
  return Buffer.concat([prefix, Buffer.from(header), Buffer.from(data.buffer, data.byteOffset, data.byteLength)]);
}

/** Unit vectors, unless plain; the chunks of an article lie around its centre. */
export async function writeChunks(path: string, file: ChunkFile): Promise<void> {
  const { articles, chunksPerArticle, D, seed = 1, textOf, isPlain = false } = file;
  const random = new Random(seed);
  const M = articles * chunksPerArticle;
  const vectors = new Float32Array(M * D);
  const articleIndices = new Int32Array(M);
  const chunkIndices = new Int32Array(M);
  if (isPlain) for (let i = 0; i < M * D; i++) vectors[i] = ((i * 0.618_033_988_75) % 1) - 0.5;
  for (let a = 0; a < articles; a++) {
    const centre = Array.from({ length: D }, () => random.normal());
    for (let c = 0; c < chunksPerArticle; c++) {
      const row = a * chunksPerArticle + c;
      articleIndices[row] = a;
      chunkIndices[row] = c;
      if (isPlain) continue;
      const values = centre.map((x) => x + 0.6 * random.normal());
      const norm = Math.hypot(...values);
      vectors.set(
        values.map((x) => x / norm),
        row * D,
      );
    }
  }
  const zip = new ZipFile();
  zip.addBuffer(npy('<f4', [M, D], vectors), 'vectors.npy', { compress: false });
  zip.addBuffer(npy('<i4', [M], articleIndices), 'article_indices.npy', { compress: false });
  zip.addBuffer(npy('<i4', [M], chunkIndices), 'chunk_indices.npy', { compress: false });
  if (textOf) {
    const texts = Array.from(articleIndices, (article, row) => textOf(article, chunkIndices[row]));
    zip.addBuffer(npyTexts(texts), 'concept_texts.npy');
  }
  zip.end();
  await pipeline(zip.outputStream, createWriteStream(path));
}
