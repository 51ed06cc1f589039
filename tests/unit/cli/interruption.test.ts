/** A long command whose reader or terminal goes away saves its run and says how to go on. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { RunSummary } from '#shared/contract/runs.ts';
import { writeChunks } from '../../support/chunks.ts';
import { CommandsOn } from '../../support/command.ts';

const folder = mkdtempSync(join(tmpdir(), 'nextvec-interruption-'));
const data = join(folder, 'data.npz');
beforeAll(() => writeChunks(data, { articles: 40, chunksPerArticle: 40, D: 16 }));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Started {
  readonly child: ChildProcess;
  /** Resolves to the exit status and everything written to stderr. */
  readonly ended: Promise<{ status: number | null; stderr: string }>;
}

function start(home: string, ...words: string[]): Started {
  const args = ['out/main/cli.js', ...words, '--json', '--home', join(folder, home)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = once(child, 'close').then(([status]: (number | null)[]) => ({ status, stderr }));
  return { child, ended };
}

/** Until stdout holds `word`. */
async function said({ child }: Started, word: string): Promise<void> {
  let text = '';
  for await (const chunk of child.stdout!.iterator({ destroyOnReturn: false })) {
    text += String(chunk);
    if (text.includes(word)) return;
  }
  throw new Error(`stdout ended without ${word}: ${text}`);
}

async function statuses(home: string): Promise<string[]> {
  const commands = new CommandsOn(join(folder, home));
  const { runs } = await commands.json<{ runs: RunSummary[] }>('runs');
  await commands.close();
  return runs.map(({ status }) => status);
}

const LONG = ['--data', data, '--epochs', '9999', '--batch-size', '32', '--engine', 'simd', '--threads', '1'];

it.each<[string, (child: ChildProcess) => void]>([
  ['whose stdout is closed (EPIPE)', (child) => child.stdout?.destroy()],
  ['whose terminal closes (SIGHUP)', (child) => child.kill('SIGHUP')],
])(
  'a training %s saves the run, says how to resume, status 130',
  async (way, act) => {
    const home = way.slice(-8, -1);
    const training = start(home, 'train', ...LONG);
    await said(training, '"step"');
    act(training.child);
    const { status, stderr } = await training.ended;
    expect(stderr).toMatch(/Saved\. To go on: nextvec resume \w+/);
    expect(stderr).not.toContain('    at ');
    expect(status).toBe(130);
    expect(await statuses(home)).toEqual([expect.stringMatching(/^(paused|interrupted)$/)]);
  },
  60_000,
);

it.each([
  ['import', []],
  ['plan', ['--template', 'recover', '--data']],
])(
  'Ctrl-C cancels the import of `%s`, which leaves no files, with exit status 130',
  async (command, flags) => {
    const large = join(folder, `${command}.npz`);
    await writeChunks(large, { articles: 400, chunksPerArticle: 100, D: 256, isPlain: true });
    const home = `import-${command}`;
    const importing = start(home, command, ...flags, large);
    const datasets = join(folder, home, 'datasets');
    await vi.waitUntil(() => existsSync(datasets) && readdirSync(datasets).length > 0, {
      timeout: 30_000,
      interval: 5,
    });
    importing.child.kill('SIGINT');
    const { status, stderr } = await importing.ended;
    expect(stderr).toBe('');
    expect(status).toBe(130);
    expect(readdirSync(datasets)).toEqual([]);
  },
  60_000,
);

it('closing the terminal of a plan saves the queue and prints how to resume, with exit status 130', async () => {
  const plan = start('plan', 'plan', '--template', 'recover', ...LONG);
  await said(plan, '"running"');
  plan.child.kill('SIGHUP');
  const { status, stderr } = await plan.ended;
  expect(stderr).toContain('"nextvec queue run" goes on from here');
  expect(stderr).not.toContain('    at ');
  expect(status).toBe(130);
}, 60_000);
