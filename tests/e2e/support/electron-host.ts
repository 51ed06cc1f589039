/** The built Electron main, preload and page on the stand-in for `electron` (tests/stand-in). */
import { fork, type ChildProcess } from 'node:child_process';
import { resolve } from 'node:path';
import type { Page } from 'playwright-core';
import type { StandInApi } from '../../stand-in/control.ts';
import type { TestBrowser } from './chromium.ts';
import { temporaryHome, watchConsole, type TestHost } from './host.ts';
import { acceptImport } from './steps.ts';

const WINDOW_LIMIT_MS = 60_000;
const QUIT_LIMIT_MS = 30_000;

export interface StandIn {
  call<K extends keyof StandInApi>(
    request: K,
    ...args: Parameters<StandInApi[K]>
  ): Promise<Awaited<ReturnType<StandInApi[K]>>>;
  readonly pid: number;
  /** Resolves when the app has left. */
  readonly exited: Promise<number | null>;
}

function standInOf(child: ChildProcess): StandIn {
  const waiting = new Map<number, { done(value: unknown): void; fail(error: Error): void }>();
  let nextId = 1;
  child.on('message', ({ id, result, error }: { id: number; result: unknown; error?: string }) => {
    const call = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) call?.done(result);
    else call?.fail(new Error(error));
  });
  const exited = new Promise<number | null>((done) => child.once('exit', done));
  child.once('exit', () => {
    for (const { fail } of waiting.values()) fail(new Error('The app has left.'));
  });
  return {
    pid: child.pid ?? 0,
    exited,
    call: (request, ...args) =>
      new Promise((done, fail) => {
        const id = nextId++;
        waiting.set(id, { done: done as (value: unknown) => void, fail });
        child.send({ id, request, args });
      }),
  };
}

export interface ElectronOptions {
  readonly home?: string;
}

export async function openElectronHost(
  { browser, endpoint }: TestBrowser,
  options: ElectronOptions = {},
): Promise<TestHost> {
  const home = options.home === undefined ? temporaryHome() : { path: options.home, remove: () => {} };
  const [context] = browser.contexts();
  const opened = new Promise<Page>((done) => context.once('page', done));
  const child = fork(resolve('out/main/index.js'), [], {
    execArgv: ['--import', new URL('../../stand-in/register.ts', import.meta.url).href],
    env: { ...process.env, NEXTVEC_HOME: home.path, STAND_IN_CDP: endpoint, STAND_IN_PACKAGED: '1' },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const standIn = standInOf(child);
  const died = standIn.exited.then((code) => Promise.reject(new Error(`The app ended with status ${code}.`)));
  died.catch(() => undefined);
  const late = new Promise<never>((_done, fail) =>
    setTimeout(() => fail(new Error('The app opened no window.')), WINDOW_LIMIT_MS).unref(),
  );
  const page = await Promise.race([opened, died, late]);
  const problems = watchConsole(page);
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await page.waitForURL(/^https:\/\/nextvec\.stand-in\.test\//);
  return {
    name: 'electron',
    page,
    home: home.path,
    origin: 'app://nextvec',
    problems,
    standIn,
    requests: async () => (await standIn.call('requests')).seen,
    answerTimes: () => standIn.call('answerTimes'),
    notices: async () =>
      (await standIn.call('records', 'notification')).map((notice) => Object.values(notice as object).join(' ')),
    async importFile(path) {
      await standIn.call('answerDialog', path);
      await acceptImport(page);
    },
    chooseFile: (path) => standIn.call('answerDialog', path),
    async close() {
      if (child.exitCode === null && child.signalCode === null) {
        // Answers "Pause and Quit" if a run is training.
        await standIn.call('answerDialog', 1);
        await standIn.call('quit').catch(() => undefined);
        const killer = setTimeout(() => child.kill('SIGKILL'), QUIT_LIMIT_MS);
        await standIn.exited;
        clearTimeout(killer);
      }
      home.remove();
    },
  };
}
