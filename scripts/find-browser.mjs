/**
 * A Chromium to drive without a window: Debian's headless shell, which has no browser window of its own to draw and so takes
 * less time, else the one that is there (src/main/hosts/find-browser.mjs), else a freshly installed one (apt-get as root on
 * Debian, playwright-core's own installer elsewhere).
 * As a program: prints the path, or says what to do and exits 1.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { findBrowser, onPath } from '../src/main/hosts/find-browser.mjs';
import { isProgram } from './node.mjs';

const INSTALL_LIMIT_MS = 8 * 60_000;
/** Of Debian. The one on the search path is a script that passes no signals on. */
const HEADLESS_SHELL = '/usr/lib/chromium/chromium-headless-shell';
/** Of Debian, the better one first. */
const PACKAGES = ['chromium-headless-shell', 'chromium'];

function run(command, args) {
  const result = spawnSync(command, args, { stdio: ['ignore', 2, 2], timeout: INSTALL_LIMIT_MS });
  return result.status === 0;
}

/** The browser that is there, or null. */
export async function findHeadlessBrowser() {
  return !process.env.CHROME_PATH && existsSync(HEADLESS_SHELL) ? HEADLESS_SHELL : findBrowser();
}

function installPackage() {
  const install = (name) => run('apt-get', ['install', '-y', '-q', '--no-install-recommends', name]);
  if (PACKAGES.some(install)) return;
  run('apt-get', ['update', '-q']);
  PACKAGES.some(install);
}

/** The browser that is there, or a freshly installed one; throws with what to do when neither works. */
export async function findOrInstallBrowser() {
  const found = await findHeadlessBrowser();
  if (found) return found;
  if (process.platform === 'linux' && process.getuid?.() === 0 && onPath('apt-get')) {
    console.error('No Chromium here: installing one with apt-get …');
    installPackage();
    const installed = await findHeadlessBrowser();
    if (installed) return installed;
  }
  console.error('No Chromium here: installing one with playwright-core …');
  const cli = fileURLToPath(new URL('../node_modules/playwright-core/cli.js', import.meta.url));
  run(process.execPath, [cli, 'install', 'chromium']);
  const installed = await findBrowser();
  if (installed) return installed;
  throw new Error(
    'No Chromium found and none could be installed. Install Chromium or Chrome, or set CHROME_PATH to its program.',
  );
}

if (isProgram(import.meta.url)) {
  try {
    console.log(await findOrInstallBrowser());
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
