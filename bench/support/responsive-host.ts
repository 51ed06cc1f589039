/** A built checkout's Node host with a run that trains, and its page in Chromium. For bench/responsive.ts. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createORPCClient } from '@orpc/client';
import { RPCLink } from '@orpc/client/websocket';
import type { Browser, Page } from 'playwright-core';
import { WebSocket } from 'ws';
import type { NextvecClient } from '#shared/contract/index.ts';
import { TYPED_ARRAY_SERIALIZERS } from '#shared/contract/serializers.ts';
import { timeAnswers, type AnswerTime } from '../../tests/e2e/support/answer-times.ts';

/** So many that the run outlasts any measurement. */
const EPOCHS = 2000;
const VIEWPORT = { width: 1280, height: 800 };

interface Server {
  /** With the token in its fragment. */
  readonly url: string;
  stop(): Promise<void>;
}

async function serve(root: string, home: string): Promise<Server> {
  const child = spawn(process.execPath, [join(root, 'bin', 'nextvec.mjs'), 'serve', '--json', '--home', home], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout.once('data', (line: Buffer) => resolve((JSON.parse(line.toString()) as { url: string }).url));
    void exited.then(() => reject(new Error(`nextvec serve of ${root} ended; is it built (npm run build)?`)));
  });
  return {
    url,
    stop() {
      child.kill('SIGINT');
      return exited;
    },
  };
}

/** The client of this checkout. Another version has to have the few calls made here: datasets.importSample, runs.start, runs.get. */
function connect(url: string): { client: NextvecClient; close(): void } {
  const { host, origin, hash } = new URL(url);
  const token = hash.replace('#token=', '');
  const socket = new WebSocket(`ws://${host}/rpc`, ['nextvec', token], { origin });
  const link = new RPCLink({ websocket: socket, customJsonSerializers: TYPED_ARRAY_SERIALIZERS });
  return { client: createORPCClient(link), close: () => socket.close() };
}

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
