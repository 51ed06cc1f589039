/**
 * Zips laid out as Electron's own, with empty programs: what packaging reads of them, and the wire of its fuses.
 * As a program: node tests/support/electron-zip.ts FOLDER writes one for Linux x64, macOS arm64 and macOS x64.
 */
import { createWriteStream, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import yazl from 'yazl';

/** Marks the wire in a program: then its version, its length, and '0' or '1' for each fuse. */
const FUSE_SENTINEL = 'dL7pKGdnNz796PbbjQWNKmHXBZaB9tsX';
const PROGRAM = Buffer.concat([Buffer.from(FUSE_SENTINEL), Buffer.from([1, 9]), Buffer.from('000000000')]);
const PLIST = Buffer.from(
  '<?xml version="1.0" encoding="UTF-8"?><plist version="1.0"><dict><key>CFBundleName</key><string>Electron</string></dict></plist>',
);
const HELPERS = ['', ' (GPU)', ' (Plugin)', ' (Renderer)'];

function contentsOf(platform: 'linux' | 'darwin'): Record<string, Buffer> {
  const notices = { LICENSE: Buffer.from('MIT'), 'LICENSES.chromium.html': Buffer.from('<p>…</p>') };
  if (platform === 'linux') return { ...notices, electron: PROGRAM, 'resources/default_app.asar': Buffer.alloc(0) };
  const app = 'Electron.app/Contents';
  const files: Record<string, Buffer> = {
    ...notices,
    [`${app}/Info.plist`]: PLIST,
    [`${app}/MacOS/Electron`]: PROGRAM,
    [`${app}/Frameworks/Electron Framework.framework/Electron Framework`]: PROGRAM,
    [`${app}/Resources/electron.icns`]: Buffer.alloc(0),
    [`${app}/Resources/default_app.asar`]: Buffer.alloc(0),
  };
  for (const helper of HELPERS) {
    const folder = `${app}/Frameworks/Electron Helper${helper}.app/Contents`;
    files[`${folder}/Info.plist`] = PLIST;
    files[`${folder}/MacOS/Electron Helper${helper}`] = PROGRAM;
  }
  return files;
}

export async function writeElectronZips(folder: string): Promise<void> {
  const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as { devDependencies: { electron: string } };
  mkdirSync(folder, { recursive: true });
  for (const [platform, arch] of [
    ['linux', 'x64'],
    ['darwin', 'arm64'],
    ['darwin', 'x64'],
  ] as const) {
    const zip = new yazl.ZipFile();
    for (const [name, content] of Object.entries(contentsOf(platform)))
      zip.addBuffer(content, name, { mode: 0o100755 });
    zip.end();
    const name = `electron-v${manifest.devDependencies.electron}-${platform}-${arch}.zip`;
    await pipeline(zip.outputStream, createWriteStream(join(folder, name)));
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await writeElectronZips(process.argv[2]);
