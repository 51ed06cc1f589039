import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';

const builder = createRequire(createRequire(import.meta.url).resolve('app-builder-lib/package.json'));
const yaml = builder('js-yaml') as { load(text: string): Record<string, unknown> };
const config = yaml.load(readFileSync('electron-builder.yml', 'utf8'));

interface Schema {
  readonly properties: Readonly<Record<string, unknown>>;
  readonly definitions: Readonly<Record<string, { readonly properties?: Readonly<Record<string, unknown>> }>>;
}
const schema = builder('app-builder-lib/scheme.json') as Schema;

function unknownKeys(value: unknown, known: Readonly<Record<string, unknown>> | undefined): string[] {
  return Object.keys((value ?? {}) as object).filter((key) => !(key in (known ?? {})));
}

describe('electron-builder.yml', () => {
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
    const { extendInfo, hardenedRuntime } = config.mac as Record<string, Record<string, Record<string, boolean>>>;
    expect(hardenedRuntime).toBe(true);
    expect(extendInfo.NSAppTransportSecurity.NSAllowsArbitraryLoads).toBe(false);
  });

  it('names existing files', () => {
    const { entitlements, entitlementsInherit } = config.mac as Record<string, string>;
    for (const path of [entitlements, entitlementsInherit, 'build/cli/nextvec']) expect(existsSync(path)).toBe(true);
  });

  it('keeps library validation on, since the app can be run as Node', () => {
    const { entitlements, entitlementsInherit } = config.mac as Record<string, string>;
    for (const path of [entitlements, entitlementsInherit])
      expect(readFileSync(path, 'utf8')).not.toContain('disable-library-validation');
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
