/**
 * Damaged and hostile inputs, tens of thousands of them, each from a seed of its own: data files, weights of other
 * programs and their histories, checkpoints, recipes, settings, command lines, sweeps, filters, names, targets of `--out`,
 * and calls over both lines. Each must be accepted or refused as bad input within five seconds of CPU time and leave nothing behind; memory after garbage
 * collection is sampled on the way. Stops at the first that does not, and fails when memory has grown from the second
 * quarter of the rounds to the last. Prints one JSON line.
 * Usage: node bench/fuzz.ts [--rounds 100000] [--first-seed 0] [--only npz,websocket] [--folder DIR] (a folder in memory
 * is fastest; MALLOC_ARENA_MAX=1 keeps the C library from spreading over the arenas of threads that come and go).
 * Real processes of the command line, which start from the build (so do workers of HDF5): node bench/fuzz.ts --only process --rounds 200
 */
import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';
import { checkpoints } from './support/fuzz/checkpoints.ts';
import { archives, arrows, safetensors, tables, textArchives } from './support/fuzz/files.ts';
import { filters } from './support/fuzz/filters.ts';
import { folders } from './support/fuzz/folders.ts';
import { hdf5 } from './support/fuzz/hdf5.ts';
import { histories } from './support/fuzz/histories.ts';
import { growth, sampleMemory, type MemorySample } from './support/fuzz/memory.ts';
import { portMessages, webSocketMessages } from './support/fuzz/messages.ts';
import { names } from './support/fuzz/names.ts';
import { outputs } from './support/fuzz/outputs.ts';
import { processes } from './support/fuzz/processes.ts';
import { recipes } from './support/fuzz/recipes.ts';
import { sweeps } from './support/fuzz/sweeps.ts';
import { Tally, type FuzzTarget } from './support/fuzz/target.ts';
import { texts } from './support/fuzz/texts.ts';
import { weights } from './support/fuzz/weights.ts';

/** How many of twenty-one rounds go to each; 0: only what `--only` names. */
const SHARES = [
  { open: archives, share: 3 },
  { open: textArchives, share: 1 },
  { open: folders, share: 1 },
  { open: weights, share: 1 },
  { open: histories, share: 1 },
  { open: safetensors, share: 1 },
  { open: tables, share: 2 },
  { open: arrows, share: 1 },
  // The library keeps some memory of each file that it refuses, until its thread ends.
  { open: hdf5, share: 0 },
  { open: checkpoints, share: 1 },
  { open: texts, share: 1 },
  { open: webSocketMessages, share: 2 },
  { open: portMessages, share: 1 },
  { open: sweeps, share: 1 },
  { open: recipes, share: 1 },
  { open: filters, share: 1 },
  { open: names, share: 1 },
  { open: outputs, share: 1 },
  { open: processes, share: 0 },
] as const;
const SAMPLES = 20;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '100000' },
    'first-seed': { type: 'string', default: '0' },
    only: { type: 'string' },
    folder: { type: 'string', default: tmpdir() },
  },
});
const rounds = Number(values.rounds);
const firstSeed = Number(values['first-seed']);
// What the hosts would print of broken messages is expected here.
console.error = () => undefined;

const wanted = values.only?.split(',');
const targets: { target: FuzzTarget; tally: Tally }[] = [];
for (const { open, share } of SHARES) {
  const target = await open(values.folder);
  if (wanted !== undefined && !wanted.includes(target.name)) {
    await target.close();
    continue;
  }
  const entry = { target, tally: new Tally() };
  const turns = wanted === undefined ? share : Math.max(share, 1);
  targets.push(...Array.from({ length: turns }, () => entry));
  if (turns === 0) await target.close();
}
if (targets.length === 0) throw new Error(`There is no target ${values.only}.`);

const startedMs = performance.now();
const memory: MemorySample[] = [];
for (let round = 0; round < rounds; round++) {
  const { target, tally } = targets[round % targets.length];
  await tally.attempt(target, firstSeed + tally.attempts);
  if ((round + 1) % Math.ceil(rounds / SAMPLES) === 0) {
    const sample = await sampleMemory(round + 1);
    memory.push(sample);
    process.stderr.write(`${JSON.stringify(sample)}\n`);
  }
}
const seconds = Math.round((performance.now() - startedMs) / 1000);
const distinct = [...new Set(targets)];
for (const { target } of distinct) await target.close();
const results = Object.fromEntries(
  distinct.map(({ target, tally }) => [
    target.name,
    { attempts: tally.attempts, slowestMs: Math.round(tally.slowestMs), outcomes: tally.outcomes },
  ]),
);
const grown = growth(memory);
console.log(JSON.stringify({ rounds, firstSeed, seconds, results, memory, grown }));
if (grown.length > 0) process.stderr.write(`Memory has grown: ${grown.join('; ')}.\n`);
process.exit(grown.length > 0 ? 1 : 0);
