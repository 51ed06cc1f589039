/** A page with charts, opened and moved in Chromium, and what that took. For bench/charts.ts. */
import type { CDPSession, Page } from 'playwright-core';
import { frameCpuMs, traceWhile } from '../../tests/e2e/support/trace.ts';

const FRAMES = 150;
const START_LIMIT_MS = 20_000;

export interface Distribution {
  readonly median: number;
  readonly p95: number;
  readonly max: number;
}

export interface Wheel {
  readonly deltaX: number;
  readonly deltaY: number;
  readonly ctrlKey: boolean;
}

export function distribution(values: readonly number[]): Distribution {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (q: number) => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] * 10) / 10;
  return { median: at(0.5), p95: at(0.95), max: at(1) };
}

interface PaintWatch {
  start(points: number): void;
  readonly times: Map<Element, number>;
}
declare global {
  interface Window {
    paintWatch: PaintWatch;
  }
}

/**
 * Notes, at each frame, which charts have been drawn with at least `points` points. Asks for no layout of its own.
 * To be given to `page.addInitScript`.
 */
export function installPaintWatch(): void {
  const times = new Map<Element, number>();
  let running = 0;
  window.paintWatch = {
    times,
    start(points) {
      times.clear();
      running += 1;
      const mine = running;
      const look = (now: number) => {
        if (mine !== running) return;
        for (const plot of document.querySelectorAll<HTMLElement>('[data-chart] .plot')) {
          if (!times.has(plot) && Number(plot.dataset.drawn ?? 0) >= points) times.set(plot, now);
        }
        requestAnimationFrame(look);
      };
      requestAnimationFrame(look);
    },
  };
}

/** Longer than a page needs to mount everything, so that a chart in view that comes late counts. */
const SETTLE_MS = 1000;

/**
 * When the last chart in view was on screen with data: seen as drawn by one frame, it was painted by the frame before.
 */
async function lastPaintMs(page: Page): Promise<number> {
  const seen = () =>
    page.evaluate(() => {
      const plots = [...document.querySelectorAll('[data-chart] .plot')];
      const inView = plots.filter((plot) => plot.getBoundingClientRect().top < innerHeight);
      const last = Math.max(...inView.map((plot) => window.paintWatch.times.get(plot) ?? Infinity));
      return Number.isFinite(last) ? last : null;
    });
  const waitUntil = Date.now() + START_LIMIT_MS;
  await page.waitForTimeout(SETTLE_MS);
  while ((await seen()) === null && Date.now() < waitUntil) await page.waitForTimeout(SETTLE_MS);
  await page.waitForTimeout(SETTLE_MS);
  const last = await seen();
  if (last === null) throw new Error(`The charts in view were not drawn within ${START_LIMIT_MS} ms.`);
  return last;
}

/** Milliseconds from the change of route to charts in view. */
export async function openRoute(page: Page, hash: string, points: number): Promise<number> {
  const started = await page.evaluate(
    ([to, enough]) => {
      const now = performance.now();
      window.paintWatch.start(enough);
      location.hash = to;
      return now;
    },
    [hash, points] as const,
  );
  return (await lastPaintMs(page)) - started;
}

/** Milliseconds from the start of the navigation of a page that is loaded anew to charts in view. */
export async function loadPage(page: Page, url: string, points: number): Promise<number> {
  await page.goto('about:blank');
  await page.goto(url, { waitUntil: 'commit' });
  await page.evaluate((enough) => window.paintWatch.start(enough), points);
  return lastPaintMs(page);
}

/** Turns the wheel over the first chart at every frame and gives the time between frames. */
export function turnWheel(page: Page, frames: number, wheel: Wheel): Promise<number[]> {
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
export async function cpuMs(session: CDPSession): Promise<number> {
  const { metrics } = await session.send('Performance.getMetrics');
  return 1000 * (metrics.find((metric) => metric.name === 'TaskDuration')?.value ?? Number.NaN);
}

export interface FrameFigures {
  readonly frameMs: Distribution;
  /** Processor time of the page's main thread from one frame to the next. */
  readonly cpuMs: Distribution;
}

export async function measureFrames(page: Page, wheel: Wheel): Promise<FrameFigures> {
  const browser = page.context().browser();
  if (!browser) throw new Error('The page has no browser.');
  let times: number[] = [];
  const events = await traceWhile(browser, async () => {
    times = await turnWheel(page, FRAMES, wheel);
  });
  return { frameMs: distribution(times), cpuMs: distribution(frameCpuMs(events)) };
}

/** Zoom, then pan inside what is zoomed to. */
export async function measureMoves(page: Page): Promise<{ zoom: FrameFigures; pan: FrameFigures }> {
  await page.evaluate(() => document.querySelector('[data-chart]')?.scrollIntoView());
  await page.waitForTimeout(500);
  const zoom = await measureFrames(page, { deltaX: 0, deltaY: -12, ctrlKey: true });
  await turnWheel(page, 12, { deltaX: 0, deltaY: -30, ctrlKey: true });
  await page.waitForTimeout(500);
  const pan = await measureFrames(page, { deltaX: 20, deltaY: 0, ctrlKey: false });
  return { zoom, pan };
}
