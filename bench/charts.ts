/**
 * How fast a run of a million steps opens, zooms and pans, measured in Chromium on the product itself: history in
 * SQLite, services, WebSocket, built page. `node bench/charts.ts [steps] [renderer folder]`; prints JSON. Times are wall
 * clock: `firstPaintMs` from the change of route to the frame in which every chart in view shows data; `frameMs` between
 * animation frames while the wheel turns at every frame. `cpuMs` is time the page's main thread was on a processor, which a
 * busy machine (see `load`) disturbs less than the clock.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { CDPSession, Page } from 'playwright-core';
import { servePage } from '../src/main/hosts/node/serve.ts';
import { createNextvec } from '../src/main/nextvec.ts';
import { openChromium } from '../tests/e2e/support/chromium.ts';
import { writeLongRun } from './support/long-run.ts';

const ROUNDS = 7;
const FRAMES = 150;
const VIEWPORT = { width: 1280, height: 800 };

interface Distribution {
  readonly median: number;
  readonly p95: number;
  readonly max: number;
}

function distribution(values: readonly number[]): Distribution {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (q: number) => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] * 10) / 10;
  return { median: at(0.5), p95: at(0.95), max: at(1) };
}

/** Milliseconds until every chart in view is painted with data. */
function openRun(page: Page, id: string): Promise<number> {
  return page.evaluate(
    (hash) =>
      new Promise<number>((done) => {
        const started = performance.now();
        location.hash = hash;
        const look = () => {
          const plots = [...document.querySelectorAll<HTMLElement>('[data-chart] .plot')];
          const inView = plots.filter((plot) => plot.getBoundingClientRect().top < innerHeight);
          const drawn = inView.length > 0 && inView.every((plot) => Number(plot.dataset.drawn ?? 0) > 0);
          // One more frame: what is drawn in this one is on screen when the next begins.
          requestAnimationFrame(drawn ? () => done(performance.now() - started) : look);
        };
        requestAnimationFrame(look);
      }),
    `#/runs/${id}`,
  );
}

/** Turns the wheel over the first chart at every frame and gives the time between frames. */
function turnWheel(
  page: Page,
  frames: number,
  wheel: { deltaX: number; deltaY: number; ctrlKey: boolean },
): Promise<number[]> {
  return page.evaluate(
    ([count, init]) =>
      new Promise<number[]>((done) => {
        const over = document.querySelector('.u-over');
        if (!over) throw new Error('There is no chart on the page.');
        const { left, top, width } = over.getBoundingClientRect();
        const at = { clientX: left + width * 0.6, clientY: top + 20, bubbles: true, cancelable: true };
        const times: number[] = [];
        let last = performance.now();
        const frame = (now: number) => {
          times.push(now - last);
          last = now;
          if (times.length > count) return done(times.slice(1));
          // There and back, so that the view never rests at an edge.
          const sign = Math.floor(times.length / 25) % 2 === 0 ? 1 : -1;
          over.dispatchEvent(
            new WheelEvent('wheel', { ...at, ...init, deltaX: init.deltaX * sign, deltaY: init.deltaY * sign }),
          );
          requestAnimationFrame(frame);
        };
        requestAnimationFrame(frame);
      }),
    [frames, wheel] as const,
  );
}

/** Main-thread processor time of the page so far. */
async function cpuMs(session: CDPSession): Promise<number> {
  const { metrics } = await session.send('Performance.getMetrics');
  return 1000 * (metrics.find((metric) => metric.name === 'TaskDuration')?.value ?? Number.NaN);
}

async function measureFrames(page: Page, session: CDPSession, wheel: Parameters<typeof turnWheel>[2]) {
  const before = await cpuMs(session);
  const times = await turnWheel(page, FRAMES, wheel);
  const perFrame = ((await cpuMs(session)) - before) / FRAMES;
  return { frameMs: distribution(times), cpuMsPerFrame: Math.round(perFrame * 10) / 10 };
}

const steps = Number(process.argv[2] ?? 1_000_000);
const rendererDir = resolve(process.argv[3] ?? 'out/renderer');
const home = mkdtempSync(join(tmpdir(), 'nextvec-bench-charts-'));
const options = { home, host: 'node', version: 'bench', resourcesDir: resolve('resources'), roots: [] } as const;
const importer = await createNextvec(options);
const { train } = await importer.client.datasets.importSample();
await importer.close();
const written = performance.now();
const id = writeLongRun(home, train.id, steps);
const writeMs = Math.round(performance.now() - written);
const nextvec = await createNextvec(options);
const server = await servePage({ nextvec, rendererDir, port: 0 });
const chromium = await openChromium();
try {
  const page = await chromium.browser.contexts()[0].newPage();
  await page.setViewportSize(VIEWPORT);
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable', { timeDomain: 'threadTicks' });
  await page.goto(server.url);
  await page.getByRole('heading', { name: 'Runs' }).waitFor();
  const firstPaints: number[] = [];
  const openCpuMs: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const before = await cpuMs(session);
    firstPaints.push(await openRun(page, id));
    openCpuMs.push((await cpuMs(session)) - before);
    if (round + 1 === ROUNDS) break;
    await page.evaluate(() => (location.hash = '#/runs'));
    await page.locator('[data-chart]').first().waitFor({ state: 'detached' });
    await page.waitForTimeout(300);
  }
  const chartsOnPage = await page.locator('[data-chart]').count();
  await page.locator('.u-over').first().scrollIntoViewIfNeeded();
  await page.evaluate(() => document.querySelector('[data-chart]')?.scrollIntoView());
  await page.waitForTimeout(500);
  const zoom = await measureFrames(page, session, { deltaX: 0, deltaY: -12, ctrlKey: true });
  await turnWheel(page, 12, { deltaX: 0, deltaY: -30, ctrlKey: true });
  await page.waitForTimeout(500);
  const pan = await measureFrames(page, session, { deltaX: 20, deltaY: 0, ctrlKey: false });
  const result = {
    machine: {
      cpu: cpus()[0].model,
      cores: cpus().length,
      node: process.version,
      chromium: chromium.browser.version(),
    },
    date: new Date().toISOString(),
    steps,
    viewport: VIEWPORT,
    chartsOnPage,
    writeMs,
    load: loadavg()[0],
    firstPaintMs: { cold: Math.round(firstPaints[0]), warm: distribution(firstPaints.slice(1)) },
    openCpuMs: { cold: Math.round(openCpuMs[0]), warm: distribution(openCpuMs.slice(1)) },
    zoom,
    pan,
  };
  console.log(JSON.stringify(result, null, 2));
} finally {
  await chromium.close();
  await server.close();
  await nextvec.close();
  rmSync(home, { recursive: true, force: true });
}
