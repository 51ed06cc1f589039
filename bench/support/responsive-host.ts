/** A built checkout's Node host with a run that trains, and its page in Chromium. For bench/responsive.ts. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { timeAnswers, type AnswerTime } from '../../tests/e2e/support/answer-times.ts';
import { connect, serve } from './served-host.ts';

/** So many that the run outlasts any measurement. */
const EPOCHS = 2000;
const VIEWPORT = { width: 1280, height: 800 };

export interface ResponsiveHost {
  readonly page: Page;
  /** Grows with each answer to a call of the page. */
  readonly answers: readonly AnswerTime[];
  /** Rows trained since the run began, and when that was read, `performance.now()`. */
  rowsTrained(): Promise<{ rows: number; atMs: number }>;
  close(): Promise<void>;
}

/** Starts the host of the checkout `root` on a storage folder of its own, a run on the bundled sample, and the page. */
export async function openResponsiveHost(browser: Browser, root: string): Promise<ResponsiveHost> {
  const home = mkdtempSync(join(tmpdir(), 'nextvec-bench-responsive-'));
  const server = await serve(root, home);
  const { client, close } = connect(server.url);
  const { train, ood } = await client.datasets.importSample();
  const { runId } = await client.runs.start({ recipe: { dataset: train.id, ood: ood.id, epochs: EPOCHS } });
  const context = await browser.newContext({ viewport: VIEWPORT });
  const page = await context.newPage();
  const answers = await timeAnswers(page);
  await page.goto(`${server.url}&route=/runs/${runId}`);
  await page.getByRole('main').getByText('Running', { exact: true }).first().waitFor({ timeout: 120_000 });
  return {
    page,
    answers,
    async rowsTrained() {
      const { run } = await client.runs.get({ runId });
      const rowsPerStep = ((run.trainRows ?? 0) * EPOCHS) / (run.totalSteps ?? 1);
      return { rows: run.step * rowsPerStep, atMs: performance.now() };
    },
    async close() {
      await context.close();
      close();
      await server.stop();
      rmSync(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    },
  };
}
