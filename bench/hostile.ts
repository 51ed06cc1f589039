/**
 * Hostile files against a serving host: each file of a folder is imported over RPC, one after another and then eight at a
 * time, while a second client asks for the list of runs every 50 ms. Then a valid file of a gigabyte or so is imported and
 * cancelled over RPC and on the command line (Ctrl-C), and the host is ended by SIGTERM in the middle of its import.
 * Fails when a limit below does not hold. Prints one JSON line.
 * Usage: node bench/hostile.ts FOLDER --giant FILE [--home DIR] (built checkout; Linux, for the memory of processes)
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { extname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { NextvecClient } from '#shared/contract/index.ts';
import { errorData } from '../src/main/cli/exit.ts';
import { connect, serve } from './support/served-host.ts';

const LIMITS = { answerMs: 1000, refusalMs: 10_000, cancelMs: 5000, endMs: 5000, memoryMb: 500 } as const;
const ASK_EVERY_MS = 50;
const AT_ONCE = 8;
const CHECKPOINTS = new Set(['.pt', '.pth']);

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { giant: { type: 'string' }, home: { type: 'string', default: tmpdir() } },
});
const [folder] = positionals;
if (folder === undefined || values.giant === undefined)
  throw new Error('Give the folder of hostile files and --giant.');
const root = resolve(import.meta.dirname, '..');
const giant = resolve(values.giant);
const scratch = mkdtempSync(join(values.home, 'nextvec-hostile-'));
const failures: string[] = [];

const sleep = (ms: number): Promise<void> =>
  new Promise((done) => {
    setTimeout(done, ms);
  });

function within(what: string, value: number, limit: number): number {
  if (value > limit) failures.push(`${what}: ${value}, limit ${limit}`);
  return value;
}

/** Largest resident memory that a process has had, MB. */
function peakMb(pid: number): number {
  const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Math.round(Number(kilobytes) / 1024);
}

/** Asks for the runs every 50 ms until `stop`, which resolves to the number of answers and the slowest, ms. */
function askMeanwhile(url: string): { stop(): Promise<{ answers: number; slowestMs: number }> } {
  const { client, close } = connect(url);
  const done = new AbortController();
  let answers = 0;
  let slowestMs = 0;
  const asking = (async () => {
    while (!done.signal.aborted) {
      const startedMs = performance.now();
      await client.runs.list();
      slowestMs = Math.max(slowestMs, Math.round(performance.now() - startedMs));
      answers++;
      await sleep(ASK_EVERY_MS);
    }
  })();
  return {
    async stop() {
      done.abort();
      await asking;
      close();
      return { answers, slowestMs };
    },
  };
}

/** 'accepted' or the code of the refusal. */
async function importOne(client: NextvecClient, path: string): Promise<string> {
  try {
    if (CHECKPOINTS.has(extname(path))) await client.runs.importRun({ path });
    else for await (const _ of await client.datasets.import({ path })) void _;
    return 'accepted';
  } catch (error) {
    return errorData(error).code;
  }
}

interface Outcome {
  readonly file: string;
  readonly code: string;
  readonly ms: number;
}

async function importAll(client: NextvecClient, paths: readonly string[], atOnce: number): Promise<Outcome[]> {
  const waiting = [...paths];
  const outcomes: Outcome[] = [];
  const takeTurns = async (): Promise<void> => {
    for (let path = waiting.shift(); path !== undefined; path = waiting.shift()) {
      const startedMs = performance.now();
      const code = await importOne(client, path);
      outcomes.push({ file: path.slice(folder.length), code, ms: Math.round(performance.now() - startedMs) });
    }
  };
  await Promise.all(Array.from({ length: atOnce }, takeTurns));
  return outcomes;
}

function summary(outcomes: readonly Outcome[], refusalLimitMs: number) {
  const refused = outcomes.filter(({ code }) => code !== 'accepted');
  const slowest = (of: readonly Outcome[]): Outcome | undefined => of.toSorted((a, b) => b.ms - a.ms)[0];
  for (const { file, ms } of refused) within(`refusal of ${file}, ms`, ms, refusalLimitMs);
  for (const { file, code } of refused) if (code === 'INTERNAL') failures.push(`${file}: INTERNAL`);
  const codes: Record<string, number> = {};
  for (const { code } of outcomes) codes[code] = (codes[code] ?? 0) + 1;
  return { files: outcomes.length, codes, slowest: slowest(outcomes), slowestRefusal: slowest(refused) };
}

async function hostileFiles() {
  const paths = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => resolve(entry.parentPath, entry.name));
  const host = await serve(root, join(scratch, 'hostile'), ['--root', resolve(folder)]);
  const { client, close } = connect(host.url);
  const asking = askMeanwhile(host.url);
  const oneByOne = summary(await importAll(client, paths, 1), LIMITS.refusalMs);
  const memoryOneByOneMb = peakMb(host.pid);
  // Four run at a time; the other four wait for them.
  const atOnce = summary(await importAll(client, paths, AT_ONCE), AT_ONCE * LIMITS.refusalMs);
  const { answers, slowestMs } = await asking.stop();
  const memoryMb = within('memory of the host, MB', peakMb(host.pid), LIMITS.memoryMb);
  close();
  await host.stop('SIGTERM');
  return {
    oneByOne,
    atOnce,
    answers,
    slowestAnswerMs: within('slowest answer, ms', slowestMs, LIMITS.answerMs),
    memoryOneByOneMb,
    memoryMb,
  };
}

/** Imports the giant and aborts at its third progress event after the beginning; ms until the host has cleaned up. */
async function cancelled(client: NextvecClient, home: string): Promise<{ events: number; cancelMs: number }> {
  const abort = new AbortController();
  let events = 0;
  let abortedMs = 0;
  try {
    for await (const event of await client.datasets.import({ path: giant }, { signal: abort.signal })) {
      if (event.type !== 'progress' || event.fraction === null || ++events < 3) continue;
      abortedMs = performance.now();
      abort.abort();
    }
    failures.push('the cancelled import ended without an error');
  } catch (error) {
    if (!abort.signal.aborted) throw error;
  }
  while (readdirSync(join(home, 'datasets')).length > 0 && performance.now() - abortedMs < 2 * LIMITS.cancelMs)
    await sleep(10);
  const cancelMs = Math.round(performance.now() - abortedMs);
  return { events, cancelMs: within('cancelled over RPC, ms', cancelMs, LIMITS.cancelMs) };
}

/** The whole import; events of progress and seconds. */
async function imported(client: NextvecClient): Promise<{ events: number; seconds: number }> {
  const startedMs = performance.now();
  let events = 0;
  let id = '';
  for await (const event of await client.datasets.import({ path: giant })) {
    if (event.type === 'progress') events++;
    else id = event.dataset.id;
  }
  const seconds = Math.round((performance.now() - startedMs) / 1000);
  await client.datasets.delete({ id });
  return { events, seconds };
}

/** Starts the import and resolves at its first progress. The host ends before the import does. */
function untilImporting(client: NextvecClient): Promise<void> {
  return new Promise((begun) => {
    const watch = async (): Promise<void> => {
      for await (const event of await client.datasets.import({ path: giant })) {
        if (event.type === 'progress' && event.fraction !== null) begun();
      }
    };
    // The host closes the line.
    watch().catch(() => undefined);
  });
}

async function validGiant() {
  const home = join(scratch, 'giant');
  const host = await serve(root, home, ['--root', resolve(giant, '..')]);
  const { client, close } = connect(host.url);
  const asking = askMeanwhile(host.url);
  const overRpc = await cancelled(client, home);
  const whole = await imported(client);
  const { answers, slowestMs } = await asking.stop();
  const memoryMb = within('memory of the host, MB', peakMb(host.pid), LIMITS.memoryMb);
  await untilImporting(client);
  const startedMs = performance.now();
  await host.stop('SIGTERM');
  const endMs = within('SIGTERM during an import, ms', Math.round(performance.now() - startedMs), LIMITS.endMs);
  close();
  const slowestAnswerMs = within('slowest answer, ms', slowestMs, LIMITS.answerMs);
  return { overRpc, whole, answers, slowestAnswerMs, memoryMb, endMs };
}

/** `nextvec import` on a terminal: the progress it shows, then Ctrl-C. */
async function onCommandLine() {
  const home = join(scratch, 'command');
  const command = `stty cols 100; ${process.execPath} ${join(root, 'bin', 'nextvec.mjs')} import '${giant}' --home '${home}'`;
  // util-linux's script gives the command a terminal; \u0003 is Ctrl-C there.
  const child = spawn('script', ['-qec', command, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] });
  let shown = 0;
  let interruptedMs = 0;
  child.stdout.on('data', (text: Buffer) => {
    if (!/ [1-9]\d? %/.test(text.toString())) return;
    if (++shown !== 3) return;
    interruptedMs = performance.now();
    child.stdin.write('\u0003');
  });
  const status = await new Promise<number | null>((done) => child.once('close', done));
  const cancelMs = within('Ctrl-C, ms', Math.round(performance.now() - interruptedMs), LIMITS.cancelMs);
  if (status !== 130) failures.push(`Ctrl-C: status ${status}`);
  const left = readdirSync(join(home, 'datasets'));
  if (left.length > 0) failures.push(`Ctrl-C left ${left.join(', ')}`);
  return { status, cancelMs };
}

try {
  const results = { hostile: await hostileFiles(), giant: await validGiant(), commandLine: await onCommandLine() };
  console.log(JSON.stringify({ ...results, failures }));
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
process.exit(failures.length > 0 ? 1 : 0);
