/**
 * A Chromium to drive: the one that is there (src/main/hosts/find-browser.mjs), else a freshly installed one
 * (apt-get as root on Debian, playwright-core's own installer elsewhere).
 * As a program: prints the path, or says what to do and exits 1.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { findBrowser, onPath } from '../src/main/hosts/find-browser.mjs';

const INSTALL_LIMIT_MS = 8 * 60_000;

function run(command, args) {
  const result = spawnSync(command, args, { stdio: ['ignore', 2, 2], timeout: INSTALL_LIMIT_MS });
  return result.status === 0;
}

/** The browser that is there, or a freshly installed one; throws with what to do when neither works. */
export async function findOrInstallBrowser() {
  const found = await findBrowser();
  if (found) return found;
  if (process.platform === 'linux' && process.getuid?.() === 0 && onPath('apt-get')) {
    console.error('No Chromium here: installing the package "chromium" with apt-get …');
    const quietly = ['-y', '-q', '--no-install-recommends'];
    if (!run('apt-get', ['install', ...quietly, 'chromium'])) {
      run('apt-get', ['update', '-q']);
      run('apt-get', ['install', ...quietly, 'chromium']);
    }
    const installed = await findBrowser();
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

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    console.log(await findOrInstallBrowser());
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
