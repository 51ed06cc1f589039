/** A few hundred damaged or hostile inputs of every kind; bench/fuzz.ts runs a hundred thousand and checks for leaks. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { checkpoints } from '../../../bench/support/fuzz/checkpoints.ts';
import { archives, arrows, safetensors, tables, textArchives } from '../../../bench/support/fuzz/files.ts';
import { filters } from '../../../bench/support/fuzz/filters.ts';
import { folders } from '../../../bench/support/fuzz/folders.ts';
import { hdf5 } from '../../../bench/support/fuzz/hdf5.ts';
import { histories } from '../../../bench/support/fuzz/histories.ts';
import { portMessages, webSocketMessages } from '../../../bench/support/fuzz/messages.ts';
import { names } from '../../../bench/support/fuzz/names.ts';
import { outputs } from '../../../bench/support/fuzz/outputs.ts';
import { processes } from '../../../bench/support/fuzz/processes.ts';
import { recipes } from '../../../bench/support/fuzz/recipes.ts';
import { sweeps } from '../../../bench/support/fuzz/sweeps.ts';
import { Tally, type FuzzTarget } from '../../../bench/support/fuzz/target.ts';
import { texts } from '../../../bench/support/fuzz/texts.ts';
import { weights } from '../../../bench/support/fuzz/weights.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'nextvec-fuzz-'));
  vi.spyOn(console, 'error').mockReturnValue();
});
afterAll(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

const TARGETS: readonly (readonly [string, (parent: string) => Promise<FuzzTarget>, number])[] = [
  ['archives of data', archives, 300],
  ['archives with texts', textArchives, 50],
  ['folders of data', folders, 80],
  ['safetensors data', safetensors, 100],
  ['tables', tables, 120],
  ['Arrow files', arrows, 60],
  ['HDF5 files', hdf5, 40],
  ['weights of other programs', weights, 200],
  ['histories of other programs', histories, 150],
  ['checkpoints', checkpoints, 200],
  ['recipes, settings and command lines', texts, 300],
  ['messages over a WebSocket', webSocketMessages, 300],
  ['messages over a port', portMessages, 300],
  ['sweeps', sweeps, 80],
  ['recipes by flag, file and call', recipes, 100],
  ['conditions of --where', filters, 200],
  ['names of data sets, runs and plans', names, 100],
  ['targets of --out', outputs, 150],
  ['commands of real processes', processes, 4],
];

test.each(TARGETS)(
  'damaged or hostile %s are accepted or refused; no file or handle stays open',
  async (_name, open, rounds) => {
    const target = await open(folder);
    const tally = new Tally();
    for (let seed = 0; seed < rounds; seed++) await tally.attempt(target, seed);
    await target.close();
    const { accepted = 0, ...refusals } = tally.outcomes;
    expect(tally.attempts).toBe(rounds);
    // Some inputs must be accepted and some refused, else the damage is too weak or too strong to test anything.
    expect(accepted).toBeGreaterThan(0);
    expect(accepted).toBeLessThan(0.6 * rounds);
    expect(Object.keys(refusals).length).toBeGreaterThan(0);
    expect(readdirSync(folder)).toEqual([]);
  },
);
