/** Parts of an installation on their own: addresses, platforms, the patch, the verification in a child process. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BACKEND_PATCH, patchAddon } from '../../../src/main/engines/addon-patch.ts';
import { readAddresses } from '../../../src/main/engines/package-index.ts';
import { artefactsOf, tensorflowPlan } from '../../../src/main/engines/plan.ts';
import { verifyEngine } from '../../../src/main/engines/verify.ts';
import { extractWheel } from '../../../src/main/engines/wheel.ts';
import { enginesFolder, tensorflowFolder } from '../../../src/main/processes/user-folders.ts';
import { zipOf } from './support.ts';

let scratch: string;
beforeAll(() => (scratch = mkdtempSync(join(tmpdir(), 'nextvec-engine-parts-'))));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe('addresses', () => {
  const nobody = { HOME: '/nonexistent', PIP_CONFIG_FILE: '/nonexistent/pip.conf' };

  test('a flag, then the environment, then the configuration of pip, then the public index', () => {
    const config = join(scratch, 'pip.conf');
    writeFileSync(config, '[global]\ntimeout = 10\nindex-url = https://mirror.example/simple/\n');
    const env = { ...nobody, PIP_CONFIG_FILE: config };
    expect(readAddresses({}, env).index).toBe('https://mirror.example/simple');
    const withVariable = { ...env, PIP_INDEX_URL: 'https://other.example/pypi' };
    expect(readAddresses({}, withVariable).index).toBe('https://other.example/pypi');
    expect(readAddresses({ index: 'http://127.0.0.1:1/simple' }, withVariable).index).toBe('http://127.0.0.1:1/simple');
  });

  test('the registry npm is configured with', () => {
    expect(readAddresses({}, nobody).registry).toBe('https://registry.npmjs.org');
    expect(readAddresses({}, { ...nobody, npm_config_registry: 'https://npm.example/' }).registry).toBe(
      'https://npm.example',
    );
  });

  test('what is no address is refused', () => {
    expect(() => readAddresses({ index: 'file:///wheels' }, nobody)).toThrow('--index: "file:///wheels" is not');
  });
});

describe('platforms', () => {
  test('Linux x64 and macOS arm64 have a plan with a hash for each file', () => {
    for (const plan of [tensorflowPlan('linux', 'x64', '2.36'), tensorflowPlan('darwin', 'arm64')]) {
      for (const { sha256, bytes } of artefactsOf(plan))
        expect([sha256, bytes > 0]).toEqual([expect.stringMatching(/^[\da-f]{64}$/), true]);
    }
  });

  test.each([
    ['win32', 'x64', null, 'win32 x64'],
    ['darwin', 'x64', null, 'darwin x64'],
    ['linux', 'arm64', '2.36', 'linux arm64'],
    ['linux', 'x64', null, 'without the GNU C library'],
  ])('%s %s (C library %s) is refused', (platform, arch, glibc, reason) => {
    expect(() => tensorflowPlan(platform, arch, glibc)).toThrow(reason);
  });
});

describe('folders', () => {
  test('NEXTVEC_ENGINES, else NEXTVEC_HOME, else the default storage folder', () => {
    expect(enginesFolder({ NEXTVEC_ENGINES: '/e', NEXTVEC_HOME: '/h' })).toBe('/e');
    expect(enginesFolder({ NEXTVEC_HOME: '/h' })).toBe('/h/engines');
    expect(enginesFolder({ XDG_DATA_HOME: '/data' })).toMatch(/nextvec\/engines$/i);
  });

  test('an engine is there once its manifest is', () => {
    const env = { NEXTVEC_ENGINES: join(scratch, 'engines') };
    mkdirSync(join(scratch, 'engines', 'tensorflow'), { recursive: true });
    expect(tensorflowFolder(env)).toBeUndefined();
    writeFileSync(join(scratch, 'engines', 'tensorflow', 'installed.json'), '{}');
    expect(tensorflowFolder(env)).toBe(join(scratch, 'engines', 'tensorflow'));
  });
});

describe('the patch of the addon', () => {
  function addonWith(source: string): string {
    const folder = mkdtempSync(join(scratch, 'addon-'));
    mkdirSync(join(folder, 'binding'));
    writeFileSync(join(folder, 'binding', 'tfjs_backend.cc'), source);
    return folder;
  }

  test('replaces each part', async () => {
    const folder = addonWith(BACKEND_PATCH.map(({ find }) => find).join('// between\n'));
    await patchAddon(folder);
    const patched = readFileSync(join(folder, 'binding', 'tfjs_backend.cc'), 'utf8');
    expect(patched).toBe(BACKEND_PATCH.map(({ replace }) => replace).join('// between\n'));
  });

  test('is refused where a part is missing or stands twice', async () => {
    const all = BACKEND_PATCH.map(({ find }) => find).join('');
    await expect(patchAddon(addonWith(all.replace(BACKEND_PATCH[2].find, '')))).rejects.toThrow('is not the source');
    await expect(patchAddon(addonWith(all + BACKEND_PATCH[2].find))).rejects.toThrow('is not the source');
  });
});

describe('a wheel', () => {
  test('only the wanted members are written; one that is missing is named', async () => {
    const wheel = join(scratch, 'a.whl');
    writeFileSync(wheel, await zipOf({ 'a/one.h': 'one', 'a/two.py': 'two' }));
    const target = (member: string): string | null => (member.endsWith('.h') ? join(scratch, 'out', member) : null);
    await extractWheel(wheel, target, ['a/one.h']);
    expect(readFileSync(join(scratch, 'out', 'a', 'one.h'), 'utf8')).toBe('one');
    await expect(extractWheel(wheel, target, ['a/one.h', 'a/lib.so'])).rejects.toThrow('it lacks a/lib.so');
  });

  test('what is no archive is refused', async () => {
    const wheel = join(scratch, 'b.whl');
    writeFileSync(wheel, 'no archive');
    await expect(extractWheel(wheel, () => null, [])).rejects.toMatchObject({ code: 'ARCHIVE_DAMAGED' });
  });
});

describe('verification in a child process', () => {
  const verify = (script: string): Promise<void> =>
    verifyEngine({ command: ['sh', '-c', script], references: ['amn.npz'] }, '/engines');

  test('passes, with the folder of the engine in its environment', async () => {
    await expect(verify('test "$NEXTVEC_ENGINES" = /engines')).resolves.toBeUndefined();
  });

  test('out of tolerance: the first failures', async () => {
    await expect(verify(`echo '{"pass":false,"failures":["grad w: 1e-2 > 1e-4"]}'; exit 1`)).rejects.toThrow(
      'grad w: 1e-2 > 1e-4',
    );
  });

  test('a library that crashes its process', async () => {
    await expect(verify('kill -ILL $$')).rejects.toThrow('amn.npz: it crashed (SIGILL)');
  });
});
