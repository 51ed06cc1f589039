/** `balance`, `inspect-window` and `map`, with --json: each once as a process, else in this one. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Balance } from '#shared/contract/evaluation.ts';
import type { Inspection } from '#shared/domain/evaluation/inspection.ts';
import { writeChunks } from '../../support/chunks.ts';
import { CommandsOn } from '../../support/command.ts';

const folder = mkdtempSync(join(tmpdir(), 'nextvec-cli-'));
const train = join(folder, 'walks.npz');
const ood = join(folder, 'other.npz');

const commands = new CommandsOn(join(folder, 'home'));
afterAll(async () => {
  await commands.close();
  rmSync(folder, { recursive: true, force: true });
});

/** The last output line of a command, parsed. */
const nextvec = <R>(...words: string[]): Promise<R> => commands.json(...words);

/** The same of a process. */
async function started<R>(...words: string[]): Promise<R> {
  await commands.close();
  const args = ['out/main/cli.js', ...words, '--json', '--home', join(folder, 'home')];
  const run = promisify(execFile)(process.execPath, args, { maxBuffer: 2 ** 26 });
  const { stdout } = await run.catch((failed: { stdout: string }) => failed);
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as R;
}

/** Checked before the OOD set is found, and without one by `balance`. */
const ON_OOD = ['--early-stopping', 'ood'];

beforeAll(async () => {
  const chunks = { chunksPerArticle: 14, D: 32 };
  await writeChunks(train, { articles: 60, ...chunks });
  await writeChunks(ood, { articles: 12, ...chunks, seed: 5 });
  const recipe = ['--epochs', '1', '--batch-size', '64', '--engine', 'simd', '--threads', '1', ...ON_OOD];
  await nextvec('train', '--data', train, '--ood', ood, '--name', 'one', ...recipe);
}, 120_000);

describe('inspect-window', () => {
  const words = ['inspect-window', 'one', '--data', 'other'];
  const inspect = (...pick: string[]) => nextvec<Inspection>(...words, ...pick);

  it('shows the worst window and finds it again by number', async () => {
    const worst = await started<Inspection>(...words, '--rank', '0');
    expect(worst).toMatchObject({ parity: { ok: true }, rank: 0 });
    expect(worst.attention?.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 5);
    expect(worst.neighbours.length).toBeGreaterThan(0);
    const again = await inspect('--window', String(worst.window));
    expect(again).toMatchObject({ window: worst.window, cosine: worst.cosine, rank: 0 });
  }, 60_000);

  it('refuses arguments that name no window', async () => {
    const error = { code: 'BAD_INPUT' };
    expect(await inspect('--window', '3', '--rank', '0')).toMatchObject({ error });
    expect(await inspect('--rank', '2')).toMatchObject({ error });
    expect(await inspect('--window', '999999')).toMatchObject({ error });
  }, 60_000);
});

describe('map', () => {
  it('writes every point as CSV and as JSON', async () => {
    const file = join(folder, 'map.csv');
    const words = ['map', 'walks', '--run', 'one'];
    const written = await started<{ drawn: number; path: string }>(...words, '--out', file);
    expect(written).toMatchObject({ method: 'pca', splitOf: 'run #1', path: file });
    const [head, ...lines] = readFileSync(file, 'utf8').trim().split('\n');
    expect(head).toBe('vector,x,y,article,side,cosine');
    expect(lines).toHaveLength(written.drawn);
    const { points } = await nextvec<{ points: Record<string, unknown>[] }>(...words);
    expect(lines).toEqual(
      points.map(({ vector, x, y, article, side, cosine }) => [vector, x, y, article, side, cosine].join(',')),
    );
    expect(points.some(({ side, cosine }) => side === 'validation' && typeof cosine === 'number')).toBe(true);
  }, 60_000);

  it('refuses other file endings and methods', async () => {
    const error = { code: 'BAD_INPUT' };
    expect(await nextvec('map', 'walks', '--out', join(folder, 'map.png'))).toMatchObject({ error });
    expect(await nextvec('map', 'walks', '--method', 'tsne')).toMatchObject({ error });
  }, 60_000);
});

describe('balance', () => {
  it('shows gradient shares as configured and under the λ it found', async () => {
    const weights = [
      '--lambda-mse',
      '0.5',
      '--lambda-info',
      '0.5',
      '--lambda-moment',
      '1e-3',
      '--lambda-variance',
      '1e-3',
    ];
    const asked = ['--batch-size', '64', ...ON_OOD, ...weights, '--share', 'mse=0.8', 'info_nce=0.2'];
    const { before, terms, worst } = await started<Balance>('balance', '--data', 'walks', ...asked);
    expect(before.info_nce.share).toBeGreaterThan(0.85);
    expect(before.info_nce.gradShare).toBeGreaterThan(0.9);
    expect(worst).toBeLessThan(0.05);
    expect(terms.info_nce.gradShare).toBeCloseTo(0.2, 1);
  }, 60_000);
});
