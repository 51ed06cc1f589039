/** A page with charts, opened and moved in Chromium, and what that took. For bench/charts.ts. */
import type { CDPSession, Page } from 'playwright-core';
import { frameCosts, traceWhile } from './trace.ts';

const FRAMES = 150;

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

interface Drawn {
  readonly atMs: number;
  readonly points: number;
}
interface PaintWatch {
  start(): void;
  stop(): void;
  readonly drawn: Map<Element, Drawn[]>;
}
declare global {
  interface Window {
    paintWatch: PaintWatch;
  }
}

/**
 * Notes, at each frame, which charts have been drawn anew and with how many points. Asks for no layout of its own. To be
 * given to `page.addInitScript`.
 */
export function installPaintWatch(): void {
  const drawn = new Map<Element, Drawn[]>();
  let running = 0;
  window.paintWatch = {
    drawn,
    start() {
      drawn.clear();
      running += 1;
      const mine = running;
      const look = (atMs: number) => {
        if (mine !== running) return;
        for (const plot of document.querySelectorAll<HTMLElement>('[data-chart] .plot')) {
          const known = drawn.get(plot) ?? [];
          const points = Number(plot.dataset.drawn ?? 0);
          if (points !== (known.at(-1)?.points ?? 0)) drawn.set(plot, [...known, { atMs, points }]);
        }
        requestAnimationFrame(look);
      };
      requestAnimationFrame(look);
    },
    stop() {
      running += 1;
    },
  };
}

/** Longer than a page needs to mount everything and to fetch all series. */
const SETTLE_MS = 2500;
/** Pictures that have this much of the points that they end with are the pictures that were waited for. */
const WHOLE = 0.9;

/** When the last chart in view was on screen whole: seen as drawn by one frame, it was painted by the frame before. */
async function lastPaintMs(page: Page): Promise<number> {
  await page.locator('[data-drawn]').first().waitFor();
  await page.waitForTimeout(SETTLE_MS);
  const last = await page.evaluate((whole) => {
    const plots = [...document.querySelectorAll('[data-chart] .plot')];
    const inView = plots.filter((plot) => plot.getBoundingClientRect().top < innerHeight);
    const times = inView.map((plot) => {
      const drawn = window.paintWatch.drawn.get(plot) ?? [];
      const end = drawn.at(-1)?.points ?? 0;
      return end === 0 ? Infinity : (drawn.find(({ points }) => points >= whole * end)?.atMs ?? Infinity);
    });
    return times.length === 0 ? null : Math.max(...times);
  }, WHOLE);
  if (last === null || !Number.isFinite(last)) throw new Error('A chart in view was not drawn.');
  return last;
}

/** Milliseconds from the change of route to charts in view. */
export async function openRoute(page: Page, hash: string): Promise<number> {
  const started = await page.evaluate((to) => {
    const now = performance.now();
    window.paintWatch.start();
    location.hash = to;
    return now;
  }, hash);
  return (await lastPaintMs(page)) - started;
}

/** Milliseconds from the start of the navigation of a page that is loaded anew to charts in view. */
export async function loadPage(page: Page, url: string): Promise<number> {
  await page.goto('about:blank');
  await page.goto(url, { waitUntil: 'commit' });
  await page.evaluate(() => window.paintWatch.start());
  return lastPaintMs(page);
}

/** Turns the wheel over the first chart at every frame and gives the time between frames. */
export function turnWheel(page: Page, frames: number, wheel: Wheel): Promise<number[]> {
  return page.evaluate(
    ([count, init]) =>
      new Promise<number[]>((done) => {
        const over = document.querySelector('.u-over');
        if (!over) throw new Error('There is no chart on the page.');
        const { left, top, width, height } = over.getBoundingClientRect();
        const at = { clientX: left + width / 2, clientY: top + height / 2, bubbles: true, cancelable: true };
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
  /** The same without what the collector marks between frames, in tasks that make way for the next frame. */
  readonly workMs: Distribution;
}

export async function measureFrames(page: Page, wheel: Wheel): Promise<FrameFigures> {
  const browser = page.context().browser();
  if (!browser) throw new Error('The page has no browser.');
  let times: number[] = [];
  const events = await traceWhile(browser, async () => {
    times = await turnWheel(page, FRAMES, wheel);
  });
  const costs = frameCosts(events);
  return {
    frameMs: distribution(times),
    cpuMs: distribution(costs.map(({ cpuMs }) => cpuMs)),
    workMs: distribution(costs.map(({ cpuMs, markingMs }) => cpuMs - markingMs)),
  };
}

/** Zoom, then pan inside what is zoomed to, then inside a few steps of the run. */
export async function measureMoves(page: Page): Promise<Record<'zoom' | 'pan' | 'panDeep', FrameFigures>> {
  await page.evaluate(() => {
    window.paintWatch.stop();
    document.querySelector('[data-chart]')?.scrollIntoView();
  });
  // Where a person has it who turns a wheel.
  await page.locator('.u-over').first().hover();
  await page.waitForTimeout(500);
  const zoom = await measureFrames(page, { deltaX: 0, deltaY: -12, ctrlKey: true });
  await turnWheel(page, 12, { deltaX: 0, deltaY: -30, ctrlKey: true });
  await page.waitForTimeout(500);
  const pan = await measureFrames(page, { deltaX: 20, deltaY: 0, ctrlKey: false });
  await turnWheel(page, 24, { deltaX: 0, deltaY: -60, ctrlKey: true });
  await page.waitForTimeout(500);
  const panDeep = await measureFrames(page, { deltaX: 20, deltaY: 0, ctrlKey: false });
  return { zoom, pan, panDeep };
}
