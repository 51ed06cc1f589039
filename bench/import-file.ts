/**
 * Imports one file, or a folder of numbered files, and prints what it cost as one JSON line: wall and CPU time, peak memory of the process, bytes stored.
 * Usage: node bench/import-file.ts FILE|FOLDER TARGET [--dtype float32|float16] [--keep]
 */
import { rmSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { importDataset } from '../src/main/datasets/import/import.ts';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { dtype: { type: 'string' }, keep: { type: 'boolean', default: false } },
});
const [file, parent] = positionals;
if (!file || !parent) throw new Error('Give the file and a folder for the imported copy.');
const dtype = values.dtype === 'float16' || values.dtype === 'float32' ? values.dtype : undefined;
const folder = join(parent, `import-${process.pid}`);

async function bytesOf(path: string): Promise<number> {
  if (!(await stat(path)).isDirectory()) return (await stat(path)).size;
  const sizes = await Promise.all((await readdir(path)).map(async (name) => (await stat(join(path, name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

let longestTurnMs = 0;
let lastTurnMs = performance.now();
const ticker = setInterval(() => {
  longestTurnMs = Math.max(longestTurnMs, performance.now() - lastTurnMs - 10);
  lastTurnMs = performance.now();
}, 10);
const startedMs = performance.now();
const { passport, storedBytes } = await importDataset(file, folder, { dtype });
clearInterval(ticker);
const wallMs = performance.now() - startedMs;
const cpu = process.cpuUsage();
if (!values.keep) rmSync(folder, { recursive: true });
const { windows, vectors, coherence, checksum } = passport;
console.log(
  JSON.stringify({
    fileBytes: await bytesOf(file),
    wallMs: Math.round(wallMs),
    cpuMs: Math.round((cpu.user + cpu.system) / 1000),
    peakRssBytes: process.resourceUsage().maxRSS * 1024,
    longestBlockMs: Math.round(longestTurnMs),
    storedBytes,
    windows,
    vectors,
    coherence: coherence.mean,
    checksum,
  }),
);
