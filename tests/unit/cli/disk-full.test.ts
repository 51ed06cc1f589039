/** A training whose disk is full says that it waits for free space and how to go on. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { writeChunks } from '../../support/chunks.ts';

const folder = mkdtempSync(join(tmpdir(), 'nextvec-full-'));
const data = join(folder, 'data.npz');
const flag = join(folder, 'full');
beforeAll(() => writeChunks(data, { articles: 40, chunksPerArticle: 40, D: 16 }));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Ended {
  readonly status: number | null;
  readonly events: Record<string, unknown>[];
  readonly stderr: string;
}

/** Calls `onFirstStep` once stdout has reported a step. */
async function nextvec(words: readonly string[], onFirstStep: () => void = () => undefined): Promise<Ended> {
  const preload = pathToFileURL(resolve('tests/support/full-disk.ts')).href;
  const env = { ...process.env, NODE_OPTIONS: `--import=${preload}`, NEXTVEC_TEST_FULL_DISK: flag };
  const args = ['out/main/cli.js', ...words, '--json', '--home', join(folder, 'home')];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], env });
  let stdout = '';
  let stderr = '';
  let hasStepped = false;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    if (hasStepped || !stdout.includes('"step"')) return;
    hasStepped = true;
    onFirstStep();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const [status] = (await once(child, 'close')) as [number | null];
  const events = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  return { status, events, stderr };
}

/** Of the run that the tests share. */
let runId = '';

it('says so on stderr and in "finished"; with free space, resume goes on', async () => {
  const train = ['train', '--data', data, '--epochs', '6', '--batch-size', '64', '--engine', 'simd', '--threads', '1'];
  const paused = await nextvec(train, () => writeFileSync(flag, ''));
  const finished = paused.events.at(-1)!;
  expect(finished).toMatchObject({ type: 'finished', status: 'paused', waitsForSpace: true });
  runId = finished.runId as string;
  expect(paused.stderr).toContain(`the run waits for free space. Free some on the disk of the storage folder`);
  expect(paused.stderr).toContain(`"nextvec resume ${runId}"`);
  expect(paused.stderr).not.toContain('Saved');
  expect(paused.status).toBe(1);
  rmSync(flag);
  const resumed = await nextvec(['resume', runId]);
  expect(resumed.events.at(-1)).toMatchObject({ type: 'finished', status: 'finished', waitsForSpace: false });
  expect(resumed.status).toBe(0);
}, 60_000);

it('an export names its target, not the file it was writing', async () => {
  writeFileSync(flag, '');
  const target = join(folder, 'steps.csv');
  const { events, status } = await nextvec(['export', runId, '--format', 'series', '--out', target]);
  rmSync(flag);
  expect(events.at(-1)).toMatchObject({
    error: { code: 'DISK_FULL', message: `${target} cannot be written: the disk is full.`, place: target },
  });
  expect(status).toBe(1);
}, 60_000);
