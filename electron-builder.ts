/**
 * Desktop packages. `npm run package` makes unpacked apps (scripts/package.mjs), `npm run dist` the installers. dmg,
 * signing and notarising need a Mac: .github/workflows/package.yml does them.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { AfterPackContext, Configuration } from 'electron-builder';
import { unshippedPlaces } from './scripts/third-party.mjs';

/** Packages that only optional dependencies of a checkout need: TensorFlow's native addon, Node for Linux. */
const unshipped = unshippedPlaces().map((place) => `!${place}/**`);

const files = [
  'out/**',
  'resources/**',
  'tests/fixtures/golden/*.npz',
  'package.json',
  '!**/*.map',
  '!out/*/licenses.json',
  ...unshipped,
  // An addon is prebuilt for each target; its source and headers are for compiling.
  '!node_modules/better-sqlite3/{deps,src,binding.gyp}',
  '!node_modules/node-addon-api/**',
  '!node_modules/**/{*.ts,__tests__/**}',
  // The builds for browsers, and for Node's own file system.
  '!node_modules/h5wasm/{dist/iife,dist/node,test,.github}/**',
  // Node loads one bundle of each tfjs package; the rest are builds for browsers, single modules and tests.
  '!node_modules/@tensorflow/tfjs-{core,backend-cpu,backend-wasm}/dist/!(*.node.js|*.wasm)',
  '!node_modules/@tensorflow/tfjs-{core,backend-cpu,backend-wasm}/dist/!(*.node.js|*.wasm)/**',
  '!node_modules/@tensorflow/tfjs-backend-wasm/wasm-out/**',
];

/**
 * The prebuilt addons of one target. It names a file too: electron-builder reads a list for a platform that only excludes
 * as "everything but these", beside the list above.
 */
function onlyPrebuilt(sqlite: string, dawn: string): string[] {
  return [
    'package.json',
    `!node_modules/better-sqlite3/prebuilds/!(${sqlite}.node)`,
    `!node_modules/webgpu/dist/!(${dawn})/**`,
  ];
}

/** Electron's demonstration app, which electron-builder leaves in a distribution that it is given. */
async function removeDefaultApp({ appOutDir, electronPlatformName }: AfterPackContext): Promise<void> {
  const resources = electronPlatformName === 'darwin' ? 'Electron.app/Contents/Resources' : 'resources';
  await rm(join(appOutDir, resources, 'default_app.asar'), { force: true });
}

const config: Configuration = {
  appId: 'dev.nextvec.app',
  productName: 'Nextvec',
  copyright: 'MIT licence',
  directories: { output: 'dist', buildResources: 'build' },
  files,
  // better-sqlite3 brings a prebuilt addon for each target: nothing is compiled here, and each package keeps its own.
  npmRebuild: false,
  afterExtract: removeDefaultApp,
  asar: true,
  asarUnpack: ['**/*.node', '**/*.wasm', 'resources/**', 'tests/fixtures/golden/**'],
  extraResources: [
    { from: 'build/cli', to: 'bin' },
    { from: 'out/THIRD-PARTY-NOTICES.txt', to: 'THIRD-PARTY-NOTICES.txt' },
  ],
  electronFuses: {
    // The command line of an installed app is the same program run as Node; why not Electron's main: ARCHITECTURE.md.
    runAsNode: true,
    enableCookieEncryption: true,
    enableNodeOptionsEnvironmentVariable: false,
    enableNodeCliInspectArguments: false,
    enableEmbeddedAsarIntegrityValidation: true,
    onlyLoadAppFromAsar: true,
    grantFileProtocolExtraPrivileges: false,
  },
  fileAssociations: [{ ext: 'npz', name: 'NumPy archive', role: 'Viewer', rank: 'Alternate' }],
  mac: {
    category: 'public.app-category.developer-tools',
    target: [
      { target: 'dmg', arch: ['arm64', 'x64'] },
      { target: 'zip', arch: ['arm64', 'x64'] },
    ],
    // Needs a certificate: the hardened runtime loads only libraries signed by the same team, and an ad hoc signature has none.
    hardenedRuntime: true,
    gatekeeperAssess: false,
    entitlements: 'build/entitlements.mac.plist',
    entitlementsInherit: 'build/entitlements.mac.inherit.plist',
    minimumSystemVersion: '12.0',
    files: onlyPrebuilt('darwin-${arch}', 'darwin-universal'),
    extendInfo: { NSAppTransportSecurity: { NSAllowsArbitraryLoads: false } },
    darkModeSupport: true,
    // The workflow turns it on where the key is there.
    notarize: false,
  },
  linux: {
    category: 'Science',
    icon: 'build/icons',
    files: onlyPrebuilt('linux-${arch}', 'linux-${arch}'),
    target: ['AppImage', 'deb'],
    executableName: 'nextvec',
  },
  win: { files: onlyPrebuilt('win32-${arch}', 'win32-${arch}'), target: ['nsis'] },
  nsis: { oneClick: false, perMachine: false, allowToChangeInstallationDirectory: true },
  publish: null,
};

export default config;
