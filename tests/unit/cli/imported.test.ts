/** Command line output for an imported run: stated figures are never shown as measured. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { RunSummary } from '#shared/contract/runs.ts';
import { CommandsOn } from '../../support/command.ts';

const folder = mkdtempSync(join(tmpdir(), 'nextvec-cli-'));
const commands = new CommandsOn(join(folder, 'home'));
afterAll(async () => {
  await commands.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Of a process. */
async function started(...words: string[]): Promise<string> {
  const args = ['out/main/cli.js', ...words, '--home', join(folder, 'home')];
  return (await promisify(execFile)(process.execPath, args, { maxBuffer: 2 ** 26 })).stdout;
}

let said: string;
beforeAll(async () => {
  said = await started('import-run', 'tests/fixtures/pt/amn.pt');
}, 120_000);

it('`import-run` separates measured from stated figures', () => {
  expect(said).toContain('Validation cosine not measured here, 0.4607 stated by the file');
});

it('`runs` lists no validation figure for it, as table and JSON', async () => {
  const [head, line] = (await started('runs')).trimEnd().split('\n');
  const cells = line.split(/ {2,}/);
  expect(cells[head.split(/ {2,}/).indexOf('validation')]).toBe('–');
  expect(line).toContain('imported');
  expect(line).not.toContain('0.46');
  const { runs } = await commands.json<{ runs: RunSummary[] }>('runs');
  expect(runs[0]).toMatchObject({ best: null, valLift: null, imported: { stated: { valCosine: 0.4607 } } });
  expect(await commands.json('runs', '--where', 'valCosine > 0')).toEqual({ runs: [] });
}, 60_000);

it('`show` marks the figures of each epoch as stated', async () => {
  const text = (await commands.run('show', '1')).stdout;
  expect(text).toContain('Validation cosine not measured here, 0.4607 stated by the file');
  expect(text).toContain('The epochs are as amn.pt states them; none was measured here.');
  expect(text).toMatch(/train \(stated\) +validation \(stated\)/);
}, 60_000);
