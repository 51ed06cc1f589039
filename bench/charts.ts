/**
 * How fast runs of a million steps open, zoom and pan, measured in Chromium on the product itself: history in SQLite,
 * services, WebSocket, built page. `node bench/charts.ts [--steps N] [--compare RUNS] [--renderer FOLDER]`; prints JSON.
 * With --compare the Compare page of so many runs, otherwise the page of one. `firstPaintMs`: wall clock from the change
 * of route (`fresh`: from the start of a page load) until every chart in view shows data; `frameMs` between animation
 * frames while the wheel turns at every frame. `cpuMs` is time the page's main thread was on a processor, which a busy
 * machine (see `load`) disturbs less than the clock. `first`: the first run that is opened in a session, a second after the
 * list of runs is on screen, in a browser profile of its own each time; `warm`: later ones in one session.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { servePage } from '../src/main/hosts/node/serve.ts';
import { createNextvec } from '../src/main/nextvec.ts';
import { openChromium } from '../tests/e2e/support/chromium.ts';
import { cpuMs, distribution, installPaintWatch, loadPage, measureMoves, openRoute } from './support/chart-page.ts';
import { writeLongRuns } from './support/long-run.ts';

const ROUNDS = 8;
const FRESH_ROUNDS = 5;
const FIRST_ROUNDS = 7;
/** A glance at the list before a run of it is opened. */
const LOOK_MS = 1000;
const VIEWPORT = { width: 1280, height: 800 };

const { values } = parseArgs({
  options: {
    steps: { type: 'string', default: '1000000' },
    compare: { type: 'string' },
    renderer: { type: 'string', default: 'out/renderer' },
  },
});
const steps = Number(values.steps);
const runs = Number(values.compare ?? 1);
const home = mkdtempSync(join(tmpdir(), 'nextvec-bench-charts-'));
const options = { home, host: 'node', version: 'bench', resourcesDir: resolve('resources'), roots: null } as const;
const importer = await createNextvec(options);
const { train } = await importer.client.datasets.importSample();
await importer.close();
const ids = writeLongRuns(home, train.id, steps, runs);
const route = values.compare === undefined ? `/runs/${ids[0]}` : `/compare?runs=${ids.join(',')}`;
const nextvec = await createNextvec(options);
const server = await servePage({ nextvec, rendererDir: resolve(values.renderer), port: 0 });
const chromium = await openChromium();
try {
  const first: number[] = [];
  for (let round = 0; round < FIRST_ROUNDS; round++) {
    const context = await chromium.browser.newContext({ viewport: VIEWPORT });
    const visitor = await context.newPage();
    await visitor.addInitScript(installPaintWatch);
    await visitor.goto(server.url);
    await visitor.getByRole('heading', { name: 'Runs' }).waitFor();
    await visitor.waitForTimeout(LOOK_MS);
    first.push(await openRoute(visitor, `#${route}`));
    await context.close();
  }
  const page = await chromium.browser.contexts()[0].newPage();
  await page.setViewportSize(VIEWPORT);
  await page.addInitScript(installPaintWatch);
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable', { timeDomain: 'threadTicks' });
  await page.goto(server.url);
  await page.getByRole('heading', { name: 'Runs' }).waitFor();
  const load = [loadavg()[0]];
  const firstPaints: number[] = [];
  const openCpuMs: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const before = await cpuMs(session);
    firstPaints.push(await openRoute(page, `#${route}`));
    openCpuMs.push((await cpuMs(session)) - before);
    await page.evaluate(() => (location.hash = '#/runs'));
    await page.locator('[data-chart]').first().waitFor({ state: 'detached' });
    await page.waitForTimeout(300);
  }
  const fresh: number[] = [];
  for (let round = 0; round < FRESH_ROUNDS; round++) {
    fresh.push(await loadPage(page, `${server.url}&route=${route}`));
  }
  const chartsOnPage = await page.locator('[data-chart]').count();
  const moves = await measureMoves(page);
  load.push(loadavg()[0]);
  const result = {
    machine: {
      cpu: cpus()[0].model,
      cores: cpus().length,
      node: process.version,
      chromium: chromium.browser.version(),
    },
    date: new Date().toISOString(),
    load,
    steps,
    runs,
    viewport: VIEWPORT,
    chartsOnPage,
    firstPaintMs: { first: distribution(first), warm: distribution(firstPaints.slice(1)) },
    fresh: distribution(fresh),
    /** Of the whole page, with what is below the fold. */
    openCpuMs: { first: Math.round(openCpuMs[0]), warm: distribution(openCpuMs.slice(1)) },
    ...moves,
  };
  console.log(JSON.stringify(result, null, 2));
} finally {
  await chromium.close();
  await server.close();
  await nextvec.close();
  rmSync(home, { recursive: true, force: true });
}
