/**
 * The WebGPU engine in a real browser on its software adapter, against the PyTorch references. AMN by default, all four
 * models with NEXTVEC_WEBGPU=all: a software adapter takes minutes to compile the kernels of the others.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { chromium, type Browser, type Page } from 'playwright-core';
import { build } from 'vite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MODEL_TYPES } from '#shared/domain/models/models.ts';
import { findBrowser } from '../../src/main/hosts/find-browser.mjs';
import { readNpz } from '../support/npz.ts';
import type { WebgpuPage } from './support/webgpu-page.ts';

const SOFTWARE_GPU = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader', '--enable-features=Vulkan'];
const QUIET = ['--no-sandbox', '--no-first-run', '--disable-background-networking', '--disable-component-update'];

type WithPage = typeof globalThis & { webgpuPage: WebgpuPage };

let folder: string;
let server: Server;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nextvec-webgpu-'));
  await buildPage(folder);
  server = createServer((request, response) => void serve(request.url ?? '/').then((reply) => reply(response)));
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const executablePath = (await findBrowser()) ?? undefined;
  browser = await chromium.launch({ executablePath, args: [...QUIET, ...SOFTWARE_GPU] });
  page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  await page.waitForFunction(() => 'webgpuPage' in globalThis);
});

afterAll(async () => {
  await browser?.close();
  server?.close();
  await rm(folder, { recursive: true, force: true });
});

function buildPage(outDir: string) {
  const entry = resolve('tests/e2e/support/webgpu-page.ts');
  return build({
    configFile: false,
    logLevel: 'error',
    build: { outDir, lib: { entry, formats: ['es'], fileName: 'page' }, minify: false },
  });
}

type Reply = (response: import('node:http').ServerResponse) => void;

async function serve(url: string): Promise<Reply> {
  if (url === '/') {
    return (response) =>
      response.setHeader('content-type', 'text/html').end('<script type="module" src="/page.js"></script>');
  }
  const script = await readFile(join(folder, url)).catch(() => null);
  if (!script) return (response) => response.writeHead(404).end();
  return (response) => response.setHeader('content-type', 'text/javascript').end(script);
}

const models = process.env.NEXTVEC_WEBGPU === 'all' ? MODEL_TYPES : (['amn'] as const);

test.each(models)('%s agrees with PyTorch on WebGPU', async (model) => {
  expect(await page.evaluate(() => (globalThis as WithPage).webgpuPage.hasAdapter())).toBe(true);
  const arrays = Array.from(await readNpz(`tests/fixtures/golden/${model}.npz`), ([name, { shape, data }]) => {
    return [name, { shape, data: typeof data === 'string' ? data : Array.from(data) }] as const;
  });
  const result = await page.evaluate(
    (given) => (globalThis as WithPage).webgpuPage.verify(given as never),
    arrays as unknown,
  );
  expect(result.failures).toEqual([]);
  expect(result).toMatchObject({ model, engine: 'webgpu', pass: true, leakedTensors: 0 });
});
