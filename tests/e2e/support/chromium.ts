/** One Chromium for a test file, reached over CDP, so that the stand-in and the test can drive the same pages. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Browser } from 'playwright-core';
import { findHeadlessBrowser } from '../../../scripts/find-browser.mjs';

const FLAGS = [
  '--headless=new',
  '--no-sandbox',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--force-color-profile=srgb',
  // Pages of the browser's own, which live beside the one that is tested, work at each of its changes of address, and are
  // in no Electron.
  '--disable-features=WebUIOmniboxPopup,WebUIOmniboxAimPopup',
  '--remote-debugging-port=0',
];
const START_LIMIT_MS = 60_000;
/** Of a click or a wait: a machine busy with other work may need more than Playwright's 30 s. */
const ACTION_LIMIT_MS = 120_000;

export interface TestBrowser {
  readonly endpoint: string;
  readonly browser: Browser;
  close(): Promise<void>;
}

export async function openChromium(): Promise<TestBrowser> {
  const program = await findHeadlessBrowser();
  if (program === null) throw new Error('No Chromium here. Install one, or set CHROME_PATH to its program.');
  const profile = mkdtempSync(join(tmpdir(), 'nextvec-chromium-'));
  const child = spawn(program, [...FLAGS, `--user-data-dir=${profile}`, 'about:blank'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const exited = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const endpoint = await new Promise<string>((resolve, reject) => {
    let said = '';
    const timer = setTimeout(() => reject(new Error(`${program} did not start:\n${said}`)), START_LIMIT_MS);
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      const found = /DevTools listening on (ws:\/\/\S+)/.exec(said)?.[1];
      if (!found) return;
      clearTimeout(timer);
      resolve(found);
    });
    child.once('close', (code) => reject(new Error(`${program} ended with status ${code}:\n${said}`)));
  });
  const browser = await chromium.connectOverCDP(endpoint);
  browser.contexts()[0].setDefaultTimeout(ACTION_LIMIT_MS);
  return {
    endpoint,
    browser,
    async close() {
      await browser.close().catch(() => undefined);
      child.kill();
      await exited;
      rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    },
  };
}
