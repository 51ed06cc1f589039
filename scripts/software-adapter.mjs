/**
 * A WebGPU adapter for tests on machines without a GPU: Chromium brings a Vulkan loader and SwiftShader, a Vulkan driver in
 * software. Both must be in the environment when a process starts.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { findBrowser } from '../src/main/hosts/find-browser.mjs';
import { ROOT } from './node.mjs';

const LOADER = 'libvulkan.so.1';
const DRIVER = 'vk_swiftshader_icd.json';
const ASKS_FOR_ADAPTER = `
  const { create } = await import('webgpu');
  process.exit((await create([]).requestAdapter()) ? 0 : 1);
`;

/** Whether a process with this environment finds an adapter; false too where the package is missing. */
export function findsAdapter(env = process.env) {
  const { status } = spawnSync(process.execPath, ['--input-type=module', '-e', ASKS_FOR_ADAPTER], {
    cwd: ROOT,
    env,
    stdio: 'ignore',
  });
  return status === 0;
}

/** Variables with which a process finds the software adapter of the installed Chromium; null where there is none. */
export async function softwareAdapter() {
  const browser = await findBrowser();
  // The program on Debian's search path is a script.
  const folders = [...(browser ? [dirname(realpathSync(browser))] : []), '/usr/lib/chromium'];
  const folder = folders.find((path) => existsSync(join(path, LOADER)) && existsSync(join(path, DRIVER)));
  if (process.platform !== 'linux' || !folder) return null;
  // Not Chromium's folder itself: other programs would take its libEGL too.
  const loader = join(ROOT, 'node_modules', '.cache', 'vulkan');
  mkdirSync(loader, { recursive: true });
  rmSync(join(loader, LOADER), { force: true });
  symlinkSync(join(folder, LOADER), join(loader, LOADER));
  const driver = join(folder, DRIVER);
  const path = [loader, process.env.LD_LIBRARY_PATH].filter(Boolean).join(delimiter);
  return { LD_LIBRARY_PATH: path, VK_ICD_FILENAMES: driver, VK_DRIVER_FILES: driver };
}

/** Lets processes that start from now on find an adapter; without effect where there is one or none can be had. */
export async function provideAdapter() {
  if (findsAdapter()) return;
  Object.assign(process.env, await softwareAdapter());
}
