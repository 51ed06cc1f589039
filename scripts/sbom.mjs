/** The software bill of materials of the app: npm's CycloneDX file, cut to the packages in the app, and Electron. */
import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './node.mjs';
import { collectNotices } from './third-party.mjs';

/** Components of `bom` whose name@version is in `wanted`, and the links between them. */
export function cutBom(bom, wanted) {
  const components = bom.components.filter(({ name, version }) => wanted.has(`${name}@${version}`));
  const refs = new Set(components.map((component) => component['bom-ref']));
  const root = bom.metadata.component;
  const dependencies = bom.dependencies
    .filter(({ ref }) => refs.has(ref))
    .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter((other) => refs.has(other)) }));
  const linked = new Set(dependencies.flatMap(({ dependsOn }) => dependsOn));
  const direct = [...refs].filter((ref) => !linked.has(ref));
  return {
    ...bom,
    serialNumber: `urn:uuid:${randomUUID()}`,
    metadata: { ...bom.metadata, component: { ...root, type: 'application', name: 'nextvec' } },
    components: components.map((component) => ({ ...component, scope: 'required' })),
    dependencies: [{ ref: root['bom-ref'], dependsOn: direct }, ...dependencies],
  };
}

/** After a build; returns the path of the file. Needs npm. */
export function writeSbom(folder) {
  const args = ['sbom', '--sbom-format', 'cyclonedx', '--package-lock-only'];
  const { stdout, status } = spawnSync('npm', args, {
    cwd: ROOT,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    shell: process.platform === 'win32',
  });
  if (status !== 0) throw new Error(`"npm ${args.join(' ')}" failed (status ${status}).`);
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const wanted = new Set(collectNotices().map(({ name, version }) => `${name}@${version}`));
  wanted.add(`electron@${manifest.devDependencies.electron}`);
  const path = join(folder, `nextvec-${manifest.version}.cdx.json`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(path, `${JSON.stringify(cutBom(JSON.parse(stdout), wanted), null, 2)}\n`);
  return path;
}
