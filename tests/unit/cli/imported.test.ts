/** Command line output for an imported run: stated figures are never shown as measured. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { RunSummary } from '#shared/contract/runs.ts';

const folder = mkdtempSync(join(tmpdir(), 'nextvec-cli-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function nextvec(...words: string[]): Promise<string> {
  const args = ['out/main/cli.js', ...words, '--home', join(folder, 'home')];
  return (await promisify(execFile)(process.execPath, args, { maxBuffer: 2 ** 26 })).stdout;
}

let said: string;
beforeAll(async () => {
  said = await nextvec('import-run', 'tests/fixtures/pt/amn.pt');
}, 120_000);

it('`import-run` separates measured from stated figures', () => {
  expect(said).toContain('Validation cosine not measured here, 0.4607 stated by the file');
});

it('`runs` lists no validation figure for it, as table and JSON', async () => {
  const [head, line] = (await nextvec('runs')).trimEnd().split('\n');
  const cells = line.split(/ {2,}/);
  expect(cells[head.split(/ {2,}/).indexOf('validation')]).toBe('–');
  expect(line).toContain('imported');
  expect(line).not.toContain('0.46');
  const { runs } = JSON.parse(await nextvec('runs', '--json')) as { runs: RunSummary[] };
  expect(runs[0]).toMatchObject({ best: null, valLift: null, imported: { stated: { valCosine: 0.4607 } } });
  const found = await nextvec('runs', '--json', '--where', 'valCosine > 0');
  expect(JSON.parse(found)).toEqual({ runs: [] });
}, 60_000);

it('`show` marks the figures of each epoch as stated', async () => {
  const text = await nextvec('show', '1');
  expect(text).toContain('Validation cosine not measured here, 0.4607 stated by the file');
  expect(text).toContain('The epochs are as amn.pt states them; none was measured here.');
  expect(text).toMatch(/train \(stated\) +validation \(stated\)/);
}, 60_000);
