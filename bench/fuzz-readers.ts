/**
 * Imports damaged copies of every zoo file: each must load or be refused as bad input within five seconds, refused ones
 * leave nothing behind, and memory must not grow. Every second copy is damaged inside a member and zipped anew with right
 * checksums, so that the damage gets past the archive. Prints one JSON line.
 * Usage: node bench/fuzz-readers.ts [--rounds 100000] [--first-seed 0] [--folder DIR]   (a folder in memory is fastest)
 */
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { isBadInput, isNextvecError } from '#shared/domain/errors.ts';
import { importDataset } from '../src/main/datasets/import.ts';
import { mutate } from './support/mutate.ts';
import { unzip, zip } from './support/rezip.ts';

const LIMIT_MS = 5000;
const ZOO = join(import.meta.dirname, '../tests/fixtures/zoo');

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '100000' },
    'first-seed': { type: 'string', default: '0' },
    folder: { type: 'string', default: tmpdir() },
  },
});
const rounds = Number(values.rounds);
const firstSeed = Number(values['first-seed']);
const folder = mkdtempSync(join(values.folder, 'nextvec-fuzz-'));
const names = readdirSync(ZOO).filter((name) => name.endsWith('.npz'));
const originals = names.map((name) => readFileSync(join(ZOO, name)));
const contents = (await Promise.all(names.map((name) => unzip(join(ZOO, name)).catch(() => [])))).filter(
  (c) => c.length > 0,
);
const result = { rounds, loaded: 0, refused: {} as Record<string, number>, slowestMs: 0, leftBehind: 0 };
const rssMb: number[] = [];
const startedMs = performance.now();

for (let round = 0; round < rounds; round++) {
  const seed = firstSeed + round;
  await attempt(await damagedCopy(round >> 1, seed), `seed ${seed}`);
  if (round % Math.ceil(rounds / 10) === 0) rssMb.push(Math.round(process.memoryUsage().rss / 2 ** 20));
}
rmSync(folder, { recursive: true, force: true });
const seconds = Math.round((performance.now() - startedMs) / 1000);
console.log(JSON.stringify({ ...result, slowestMs: Math.round(result.slowestMs), seconds, rssMb }));

async function damagedCopy(file: number, seed: number): Promise<Uint8Array> {
  if (seed % 2 === 0) return mutate(originals[file % originals.length], seed);
  const members = contents[file % contents.length];
  const damaged = seed % members.length;
  return zip(members.map((member, i) => (i === damaged ? { ...member, data: mutate(member.data, seed) } : member)));
}

async function attempt(bytes: Uint8Array, name: string): Promise<void> {
  const path = join(folder, 'mutant.npz');
  writeFileSync(path, bytes);
  const start = performance.now();
  try {
    await importDataset(path, join(folder, 'set'));
    result.loaded++;
    rmSync(join(folder, 'set'), { recursive: true });
  } catch (error) {
    if (!isNextvecError(error) || !isBadInput(error.code)) {
      console.error(`${name}: neither loaded nor refused as bad input`);
      throw error;
    }
    result.refused[error.code] = (result.refused[error.code] ?? 0) + 1;
  }
  const tookMs = performance.now() - start;
  result.slowestMs = Math.max(result.slowestMs, tookMs);
  if (tookMs > LIMIT_MS) throw new Error(`${name} took ${Math.round(tookMs)} ms.`);
  const left = readdirSync(folder).filter((entry) => entry !== 'mutant.npz');
  if (left.length > 0) throw new Error(`${name} left ${left.join(', ')} behind.`);
}
