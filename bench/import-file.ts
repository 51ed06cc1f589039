/**
 * Imports one file and prints what it cost as one JSON line: wall and CPU time, peak memory of the process, bytes stored.
 * Usage: node bench/import-file.ts FILE FOLDER [--dtype float32|float16] [--keep]
 */
import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { importDataset } from '../src/main/datasets/import.ts';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { dtype: { type: 'string' }, keep: { type: 'boolean', default: false } },
});
const [file, parent] = positionals;
if (!file || !parent) throw new Error('Give the file and a folder for the imported copy.');
const dtype = values.dtype === 'float16' || values.dtype === 'float32' ? values.dtype : undefined;
const folder = join(parent, `import-${process.pid}`);
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
    fileBytes: statSync(file).size,
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
