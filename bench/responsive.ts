/**
 * How responsive a page is while a run trains: a run on the bundled sample trains under the Node host of a built checkout,
 * and a mouse clicks through all pages in headless Chromium. Per checkout, over all rounds, as JSON on stdout:
 * `taskCpuMs`: CPU time of the tasks of the page's main thread (Chromium's trace); `longestTaskCpuMs`: of the longest task
 * of each round; `answerMs`: wall clock until the first answer to a call, by the page's clock; `rowsPerSecond`: rows
 * trained a second meanwhile, evaluation included. Aim: `longestTaskCpuMs` p99 ≤ 50 ms, `answerMs` p95 ≤ 100 ms.
 *
 *   node bench/responsive.ts [--root DIR] [--against DIR]... [--rounds 13] [--out FILE]
 *
 * Checkouts take turns in each round. Both must be built (npm run build).
 */
import { writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Browser, Locator, Page } from 'playwright-core';
import { openChromium } from '../tests/e2e/support/chromium.ts';
import { openResponsiveHost } from './support/responsive-host.ts';
import { mainThreadTasks, traceWhile } from './support/trace.ts';

/** How long the mouse button is down in a click. */
const PRESS_MS = 80;
/** From a click to the next one. */
const LOOK_MS = 500;
const LOOK_AT_RUN_MS = 1500;
const PAGES = ['Runs', 'New run', 'Data sets', 'Cross-test', 'Predict', 'Reports', 'Settings', 'Runs'];
/** Calls that start work of seconds and report its progress; their time is not that of an answer. */
const WORK = /importSample|\/datasets\/import|proveSplit|preflight|runs\/start|doctor/;

const { values } = parseArgs({
  options: {
    root: { type: 'string', default: '.' },
    against: { type: 'string', multiple: true, default: [] },
    rounds: { type: 'string', default: '13' },
    out: { type: 'string' },
  },
});

interface Round {
  readonly taskCpuMs: readonly number[];
  readonly answers: readonly { readonly call: string; readonly ms: number }[];
  readonly rowsPerSecond: number;
}

interface Place {
  readonly x: number;
  readonly y: number;
  /** Visible once the click has been handled. */
  readonly opens: Locator;
}

async function placeOf(target: Locator, opens: Locator): Promise<Place> {
  const box = await target.boundingBox();
  if (!box) throw new Error('The target of a click is not on the page.');
  return { x: box.x + box.width / 2, y: box.y + box.height / 2, opens };
}

/** By coordinates: a click on a locator would run the driver's own checks on the page's main thread. */
async function click(page: Page, { x, y, opens }: Place, lookMs: number): Promise<void> {
  await page.mouse.move(x, y);
  await page.mouse.down();
  await page.waitForTimeout(PRESS_MS);
  await page.mouse.up();
  await page.waitForTimeout(lookMs);
  await opens.waitFor();
}

async function measure(browser: Browser, root: string): Promise<Round> {
  const host = await openResponsiveHost(browser, root);
  try {
    const { page } = host;
    const links = page.getByLabel('Sidebar').getByRole('link');
    const main = page.getByRole('main');
    const places = await Promise.all(
      PAGES.map((title) =>
        placeOf(links.filter({ hasText: title }).first(), main.getByRole('heading', { level: 1, name: title })),
      ),
    );
    await links.filter({ hasText: 'Runs' }).first().click();
    const row = page.getByRole('grid', { name: 'Runs' }).getByRole('row').filter({ hasText: 'Running' });
    const running = await placeOf(row, page.locator('canvas').first());
    const answersBefore = host.answers.length;
    const before = await host.rowsTrained();
    const events = await traceWhile(browser, async () => {
      for (const place of places) await click(page, place, LOOK_MS);
      await click(page, running, LOOK_AT_RUN_MS);
    });
    const after = await host.rowsTrained();
    const answers = host.answers.slice(answersBefore).filter(({ call }) => !WORK.test(call));
    return {
      taskCpuMs: mainThreadTasks(events).map(({ cpuMs }) => cpuMs),
      answers,
      rowsPerSecond: (1000 * (after.rows - before.rows)) / (after.atMs - before.atMs),
    };
  } finally {
    await host.close();
  }
}

function percentiles(values: readonly number[], shares: readonly number[]): Record<string, number> {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
  const named = shares.map((share) => [`p${100 * share}`, Number(at(share).toFixed(2))] as const);
  return { count: sorted.length, ...Object.fromEntries(named), max: Number((sorted.at(-1) ?? Number.NaN).toFixed(2)) };
}

function summary(root: string, rounds: readonly Round[]) {
  const tasks = rounds.flatMap(({ taskCpuMs }) => taskCpuMs);
  const answers = rounds.flatMap((round) => round.answers);
  const byCall = Map.groupBy(answers, ({ call }) => call);
  return {
    root,
    rounds: rounds.length,
    taskCpuMs: percentiles(tasks, [0.5, 0.99]),
    longestTaskCpuMs: percentiles(
      rounds.map(({ taskCpuMs }) => Math.max(...taskCpuMs)),
      [0.5, 0.99],
    ),
    answerMs: percentiles(
      answers.map(({ ms }) => ms),
      [0.5, 0.95],
    ),
    answerMsByCall: Object.fromEntries(
      [...byCall].map(([call, of]) => [
        call,
        percentiles(
          of.map(({ ms }) => ms),
          [0.5],
        ),
      ]),
    ),
    rowsPerSecond: percentiles(
      rounds.map(({ rowsPerSecond }) => rowsPerSecond),
      [0.5],
    ),
  };
}

const roots = [values.root, ...values.against].map((root) => ({ root: resolve(root), rounds: [] as Round[] }));
const chromium = await openChromium();
try {
  for (let round = 1; round <= Number(values.rounds); round++) {
    for (const { root, rounds } of roots) {
      rounds.push(await measure(chromium.browser, root));
      console.error(`round ${round} of ${values.rounds}: ${root}`);
    }
  }
} finally {
  await chromium.close();
}
const report = {
  date: new Date().toISOString().slice(0, 10),
  machine: `${cpus()[0].model}, ${cpus().length} cores, Node ${process.version}`,
  load: loadavg()[0],
  checkouts: roots.map(({ root, rounds }) => summary(root, rounds)),
};
console.log(JSON.stringify(report, null, 1));
if (values.out !== undefined) writeFileSync(values.out, `${JSON.stringify(report, null, 1)}\n`);
