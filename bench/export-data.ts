/**
 * Exports a stored data set and prints what it cost as one JSON line: wall and CPU time, peak memory of the process, bytes written.
 * Usage: node bench/export-data.ts DATASET_FOLDER parquet|arrow|npz|jsonl OUT
 */
import { rmSync } from 'node:fs';
import { exportDataset } from '../src/main/datasets/export/export.ts';
import { DATA_EXPORT_FORMATS } from '#shared/domain/datasets/export.ts';

const [folder, word, out] = process.argv.slice(2);
const format = DATA_EXPORT_FORMATS.find((name) => name === word);
if (!folder || !format || !out) throw new Error('Give the folder of a stored set, a format and a file to write.');
const startedMs = performance.now();
const job = {
  folder,
  format,
  texts: false,
  windows: false,
  split: null,
  temporary: out,
  target: out,
  version: 'bench',
};
const { rows, bytes } = await exportDataset(job, { onProgress: () => undefined });
const wallMs = Math.round(performance.now() - startedMs);
const { user, system } = process.cpuUsage();
rmSync(out);
const peakRssBytes = process.resourceUsage().maxRSS * 1024;
console.log(JSON.stringify({ format, rows, bytes, wallMs, cpuMs: Math.round((user + system) / 1000), peakRssBytes }));
