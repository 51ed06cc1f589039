/**
 * What a data set costs by its number of windows: writes generated chunks of D dimensions (articles of 60), imports them and
 * trains AMN for a while, each in a process of its own whose peak memory and time are read. Prints one JSON line a size.
 * Needs `npm run build`. Usage: node bench/scale.ts [--windows 100000,1000000,10000000] [--d 16] [--seconds 30]
 */
import { spawn } from 'node:child_process';
import { createWriteStream, existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import yazl from 'yazl';
import { npyHeader } from '../src/main/formats/npy/write.ts';

const { values } = parseArgs({
  options: {
    windows: { type: 'string', default: '100000,1000000,10000000' },
    d: { type: 'string', default: '16' },
    seconds: { type: 'string', default: '30' },
  },
});
const D = Number(values.d);
const CHUNKS = 60;
const T = 5;
const BLOCK = 4096;

/** Uniform vectors of their seed alone: distinct, and random enough to train on. */
function* vectors(rows: number): Generator<Buffer> {
  yield npyHeader('<f4', [rows, D]);
  let state = 1;
  for (let row = 0; row < rows; row += BLOCK) {
    const block = new Float32Array(Math.min(BLOCK, rows - row) * D);
    for (let i = 0; i < block.length; i++) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      block[i] = state / 2 ** 31 - 1;
    }
    yield Buffer.from(block.buffer);
  }
}

function* articles(rows: number): Generator<Buffer> {
  yield npyHeader('<i8', [rows]);
  for (let row = 0; row < rows; row += BLOCK) {
    const block = new BigInt64Array(Math.min(BLOCK, rows - row));
    for (let i = 0; i < block.length; i++) block[i] = BigInt(Math.floor((row + i) / CHUNKS));
    yield Buffer.from(block.buffer);
  }
}

async function writeSet(path: string, windows: number): Promise<void> {
  const rows = Math.ceil(windows / (CHUNKS - T)) * CHUNKS;
  const zip = new yazl.ZipFile();
  const options = { compress: false, forceZip64Format: true };
  zip.addReadStream(Readable.from(vectors(rows), { objectMode: false }), 'vectors.npy', options);
  zip.addReadStream(Readable.from(articles(rows), { objectMode: false }), 'article_indices.npy', options);
  zip.end();
  await pipeline(zip.outputStream, createWriteStream(path));
}

interface Outcome {
  readonly wallS: number;
  /** Of the program and its trainer, the larger. */
  readonly peakMb: number;
  readonly lines: readonly Record<string, unknown>[];
}

/** VmHWM of a process and its children, MB. */
function peakOf(pid: number): number {
  const read = (path: string): string => (existsSync(path) ? readFileSync(path, 'utf8') : '');
  const children = read(`/proc/${pid}/task/${pid}/children`).trim().split(' ').filter(Boolean).map(Number);
  const own = Number(/VmHWM:\s+(\d+)/.exec(read(`/proc/${pid}/status`))?.[1] ?? 0) / 1000;
  return Math.max(own, ...children.map(peakOf));
}

/** Runs the command line; `forSeconds`: then interrupts it, counted from its first step. */
async function nextvec(home: string, args: readonly string[], forSeconds: number | null = null): Promise<Outcome> {
  const startedMs = performance.now();
  const child = spawn(process.execPath, ['bin/nextvec.mjs', ...args, '--home', home, '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  let peakMb = 0;
  let ending: NodeJS.Timeout | null = null;
  const watching = setInterval(() => (peakMb = Math.max(peakMb, peakOf(child.pid ?? 0))), 200);
  for await (const part of child.stdout.setEncoding('utf8')) {
    text += part as string;
    if (forSeconds !== null && ending === null && text.includes('"type":"step"')) {
      ending = setTimeout(() => child.kill('SIGINT'), forSeconds * 1000);
    }
  }
  clearInterval(watching);
  if (ending !== null) clearTimeout(ending);
  const lines = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  return { wallS: (performance.now() - startedMs) / 1000, peakMb: Math.round(peakMb), lines };
}

const folder = await mkdtemp(join(tmpdir(), 'nextvec-scale-'));
try {
  for (const windows of values.windows.split(',').map(Number)) {
    const home = join(folder, `home-${windows}`);
    const file = join(folder, 'set.npz');
    await writeSet(file, windows);
    const imported = await nextvec(home, ['import', file]);
    const [id] = await readdir(join(home, 'datasets'));
    const set = join(home, 'datasets', id);
    const sizes = await Promise.all((await readdir(set)).map(async (name) => (await stat(join(set, name))).size));
    await rm(file);
    const recipe = ['--data', id, '--epochs', '1', '--batch-size', '256', '--engine', 'simd'];
    const trained = await nextvec(home, ['train', ...recipe], Number(values.seconds));
    const steps = trained.lines.filter(({ type }) => type === 'step');
    console.log(
      JSON.stringify({
        windows,
        D,
        importS: Math.round(imported.wallS),
        importPeakMb: imported.peakMb,
        diskMb: Math.round(sizes.reduce((sum, size) => sum + size, 0) / 1e6),
        trainPeakMb: trained.peakMb,
        trainWallS: Math.round(trained.wallS),
        rowsPerSecond: steps.at(-1)?.rowsPerSecond ?? null,
      }),
    );
    await rm(home, { recursive: true });
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
