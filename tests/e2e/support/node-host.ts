/** The Node host: `nextvec serve`, its URL opened in Chromium. */
import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import { timeAnswers } from './answer-times.ts';
import type { TestBrowser } from './chromium.ts';
import { temporaryHome, watchConsole, type TestHost } from './host.ts';
import { acceptImport } from './steps.ts';

const CLI = resolve('bin/nextvec.mjs');

export interface Server {
  /** With the token in its fragment. */
  readonly url: string;
  readonly pid: number;
  stop(): Promise<number | null>;
}

export async function serve(home: string, roots: readonly string[]): Promise<Server> {
  const child = spawn(process.execPath, [CLI, 'serve', '--json', '--home', home, '--root', ...roots], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const exited = new Promise<number | null>((done) => child.once('close', done));
  const url = await new Promise<string>((done, fail) => {
    let line = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      line += text;
      if (line.includes('\n')) done((JSON.parse(line) as { url: string }).url);
    });
    void exited.then((code) => fail(new Error(`nextvec serve ended with status ${code}:\n${line}${said}`)));
  });
  return {
    url,
    pid: child.pid ?? 0,
    stop: () => {
      child.kill('SIGINT');
      return exited;
    },
  };
}

/** Navigates the file chooser from its roots to the file and chooses it. */
async function walkTo(page: Page, roots: readonly string[], path: string): Promise<void> {
  const dialog = page.getByRole('dialog', { name: /^Choose/ });
  const up = dialog.getByRole('button', { name: 'Up one folder' });
  await dialog.getByRole('listitem').first().waitFor();
  while (await up.isEnabled()) {
    const before = await dialog.locator('.where').textContent();
    await up.click();
    await expect.poll(() => dialog.locator('.where').textContent()).not.toBe(before);
  }
  const root = roots.find((folder) => path.startsWith(folder)) ?? '';
  await dialog.getByRole('button', { name: root }).click();
  for (const name of path.slice(root.length + 1).split('/')) await dialog.getByRole('button', { name }).click();
  await dialog.getByRole('button', { name: 'Choose', exact: true }).click();
}

export interface NodeHostOptions {
  /** An existing storage folder; not removed on close. */
  readonly home?: string;
}

export async function openNodeHost(
  { browser }: TestBrowser,
  roots: readonly string[],
  options: NodeHostOptions = {},
): Promise<TestHost> {
  const home = options.home === undefined ? temporaryHome() : { path: options.home, remove: () => {} };
  const server = await serve(home.path, roots);
  const [context] = browser.contexts();
  const page = await context.newPage();
  await page.setViewportSize({ width: 1280, height: 800 });
  // Turning marks would be drawn 60 times a second.
  await page.emulateMedia({ reducedMotion: 'reduce' });
  const problems = watchConsole(page);
  const times = await timeAnswers(page);
  const requests: string[] = [];
  page.on('request', (request) => requests.push(request.url()));
  page.on('websocket', (socket) => requests.push(socket.url()));
  await page.goto(server.url);
  return {
    name: 'node',
    page,
    home: home.path,
    origin: new URL(server.url).origin,
    problems,
    standIn: null,
    requests: () => Promise.resolve(requests),
    answerTimes: () => Promise.resolve(times),
    notices: () => page.getByRole('list', { name: 'Notices' }).getByRole('listitem').allTextContents(),
    async importFile(path) {
      await walkTo(page, roots, path);
      await acceptImport(page);
    },
    chooseFile: (path) => walkTo(page, roots, path),
    async close() {
      await page.close();
      await server.stop();
      home.remove();
    },
  };
}
