/**
 * `npm run package [-- --electron-dist DIR|ZIP]`: unpacked apps in dist/, their contents and size checked, and a software
 * bill of materials beside them. DIR holds Electron's own zips, electron-vVERSION-PLATFORM-ARCH.zip; an app is made for
 * each. Without it Electron's runtime is downloaded and the app is for this machine. `npm run dist` (--installers) makes
 * this system's installers; further arguments go to electron-builder.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { fileURLToPath } from 'node:url';
import { checkContents } from './app-contents.mjs';
import { ROOT, withGoodNode } from './node.mjs';
import { writeSbom } from './sbom.mjs';

const SYSTEMS = { darwin: '--mac', linux: '--linux', win32: '--win' };

/** `platform` and `arch` of a zip of Electron, or null for another file. */
function targetOf(path) {
  const match = /^electron-v[\d.]+-(darwin|linux|win32)-(x64|arm64)\.zip$/.exec(basename(path));
  return match && { platform: match[1], arch: match[2] };
}

/** Throws when there is nothing to package. */
function findTargets(electronDist) {
  if (electronDist === undefined) return [{ platform: process.platform, arch: process.arch }];
  const names = statSync(electronDist).isDirectory() ? readdirSync(electronDist) : [electronDist];
  const targets = names.map(targetOf).filter((target) => target !== null);
  if (targets.length === 0)
    throw new Error(
      `${electronDist}: no electron-vVERSION-PLATFORM-ARCH.zip. Download one from Electron's releases page.`,
    );
  return targets;
}

function runBuilder(args) {
  const cli = join(ROOT, 'node_modules/electron-builder/cli.js');
  const { status } = spawnSync(process.execPath, [cli, '--publish', 'never', ...args], { cwd: ROOT, stdio: 'inherit' });
  if (status !== 0) throw new Error(`electron-builder failed (status ${status}); see above.`);
}

function makeUnpacked({ platform, arch }, electronDist) {
  const args = [SYSTEMS[platform], 'dir', `--${arch}`, '-c.mac.hardenedRuntime=false'];
  // A folder: electron-builder takes the zip of the target from it.
  if (electronDist)
    args.push(`-c.electronDist=${statSync(electronDist).isDirectory() ? electronDist : dirname(electronDist)}`);
  runBuilder(args);
}

function resourcesOf({ platform, arch }) {
  const folder = { darwin: 'mac', linux: 'linux', win32: 'win' }[platform];
  const suffix = arch === 'x64' ? '' : `-${arch}`;
  const app = join(ROOT, 'dist', platform === 'darwin' ? `mac${suffix}` : `${folder}${suffix}-unpacked`);
  return platform === 'darwin' ? join(app, 'Nextvec.app/Contents/Resources') : join(app, 'resources');
}

function bytesOf(path) {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.size;
  return readdirSync(path).reduce((sum, name) => sum + bytesOf(join(path, name)), 0);
}

/** Checks what is in an app, and prints its size. */
function checkApp(target) {
  const resources = resourcesOf(target);
  const asar = createRequire(createRequire(import.meta.url).resolve('app-builder-lib/package.json'))('@electron/asar');
  const paths = asar.listPackage(join(resources, 'app.asar')).map((path) => path.slice(1).replaceAll('\\', '/'));
  const parts = ['app.asar', 'app.asar.unpacked', 'bin', 'THIRD-PARTY-NOTICES.txt'];
  const bytes = parts.reduce((sum, name) => sum + bytesOf(join(resources, name)), 0);
  try {
    checkContents(target, { paths, bytes });
  } catch (error) {
    throw new Error(`${resources}: ${error.message}`, { cause: error });
  }
  console.log(
    `${target.platform} ${target.arch}: ${(bytes / 1e6).toFixed(1)} MB without Electron, ${paths.length} entries`,
  );
}

function makePackages() {
  const { values, positionals } = parseArgs({
    options: { 'electron-dist': { type: 'string' }, installers: { type: 'boolean', default: false } },
    allowPositionals: true,
  });
  const electronDist = values['electron-dist'] && resolve(values['electron-dist']);
  let targets = findTargets(electronDist);
  if (values.installers) {
    runBuilder(positionals);
    if (process.platform === 'darwin') targets = ['arm64', 'x64'].map((arch) => ({ platform: 'darwin', arch }));
  } else for (const target of targets) makeUnpacked(target, electronDist);
  for (const target of targets) checkApp(target);
  console.log(writeSbom(join(ROOT, 'dist')));
}

await withGoodNode(fileURLToPath(import.meta.url), makePackages);
