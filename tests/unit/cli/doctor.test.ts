/** `doctor` in a process of its own, whose stderr shows what native libraries write. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { fromBuffer } from 'yauzl';
import { webgpuAvailability } from '#engine/webgpu/index.ts';
import type { Doctor } from '#shared/contract/app.ts';
import { redactor } from '../../../src/main/system/bundle.ts';

const home = mkdtempSync(join(tmpdir(), 'nextvec-doctor-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

function namesIn(path: string): Promise<string[]> {
  const names: string[] = [];
  return new Promise((done, fail) =>
    fromBuffer(readFileSync(path), (error, zip) => {
      if (error) fail(error);
      else zip.on('entry', ({ fileName }: { fileName: string }) => names.push(fileName)).on('end', () => done(names));
    }),
  );
}

it('names every engine, with a reason where it is missing, prints no warning of Dawn, and writes a bundle', async () => {
  // Without the software adapter that the tests of webgpu use.
  const env = { ...process.env, LD_LIBRARY_PATH: '', VK_ICD_FILENAMES: '', VK_DRIVER_FILES: '' };
  const bundle = join(home, 'bundle.zip');
  const args = ['out/main/cli.js', 'doctor', '--json', '--home', home, '--bundle', bundle];
  const { stdout, stderr } = spawnSync(process.execPath, args, { env, encoding: 'utf8' });
  const { engines } = JSON.parse(stdout.trimEnd().split('\n').at(-1)!) as Doctor;
  expect(engines.map(({ name }) => name)).toContain('webgpu');
  for (const { available, reason } of engines) expect(available || reason !== '').toBe(true);
  expect(stderr).not.toContain("Couldn't load Vulkan");
  const names = ['README.txt', 'versions.json', 'doctor.json', 'settings.json', 'runs.json'];
  expect(await namesIn(bundle)).toEqual(names);
});

it('a missing Vulkan loader is the reason why webgpu is not available', async () => {
  const availability = await webgpuAvailability({ vulkanProblem: () => 'libvulkan.so.1: cannot open' });
  expect(availability).toMatchObject({ available: false, reason: expect.stringMatching(/^libvulkan.*install/) });
});

it('a bundle names the program and the storage folder by words, and no other place or name', () => {
  const clean = redactor({ APP: '/opt/nextvec', STORAGE: '/home/ada/.nextvec', '~': '/home/ada' }, [
    'novel',
    'Secret run',
  ]);
  expect(clean('at file:///opt/nextvec/out/main/cli.js:3:1')).toBe('at file://APP/out/main/cli.js:3:1');
  expect(clean('ENOSPC: /home/ada/.nextvec/runs/1/model.safetensors')).toBe('ENOSPC: STORAGE/runs/1/model.safetensors');
  expect(clean('"Secret run" reads /data/private/novel.npz and ~/x')).toBe('"NAME" reads PATH and ~/x');
  expect(clean('{"path":"C:\\\\Users\\\\ada\\\\x.npz"}')).toBe('{"path":"PATH"}');
  expect(clean('loss 0.5, 3 rows/s, a/b')).toBe('loss 0.5, 3 rows/s, a/b');
});

it('a command loads neither HTTP nor web APIs, which would take a third of its start', () => {
  const print = "process.on('exit', () => console.error(JSON.stringify(process.moduleLoadList)))";
  const args = ['--import', `data:text/javascript,${print}`, 'out/main/cli.js', 'runs', '--json', '--home', home];
  const { stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  const loaded = JSON.parse(stderr) as string[];
  expect(loaded).toContain('NativeModule fs');
  expect(loaded).not.toContain('NativeModule http');
  expect(loaded).not.toContain('NativeModule internal/deps/undici/undici');
});
