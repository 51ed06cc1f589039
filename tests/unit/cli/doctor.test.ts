/** `doctor` in a process of its own, whose stderr shows what native libraries write. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { webgpuAvailability } from '#engine/webgpu/index.ts';
import type { Doctor } from '#shared/contract/app.ts';

const home = mkdtempSync(join(tmpdir(), 'nextvec-doctor-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

it('names every engine, with a reason where it is missing, and prints no warning of Dawn', () => {
  // Without the software adapter that the tests of webgpu use.
  const env = { ...process.env, LD_LIBRARY_PATH: '', VK_ICD_FILENAMES: '', VK_DRIVER_FILES: '' };
  const args = ['out/main/cli.js', 'doctor', '--json', '--home', home];
  const { stdout, stderr } = spawnSync(process.execPath, args, { env, encoding: 'utf8' });
  const { engines } = JSON.parse(stdout.trimEnd().split('\n').at(-1)!) as Doctor;
  expect(engines.map(({ name }) => name)).toContain('webgpu');
  for (const { available, reason } of engines) expect(available || reason !== '').toBe(true);
  expect(stderr).not.toContain("Couldn't load Vulkan");
});

it('a missing Vulkan loader is the reason why webgpu is not available', async () => {
  const availability = await webgpuAvailability({ vulkanProblem: () => 'libvulkan.so.1: cannot open' });
  expect(availability).toMatchObject({ available: false, reason: expect.stringMatching(/^libvulkan.*install/) });
});
