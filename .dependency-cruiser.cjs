/**
 * Which folder may import which: shared ← engine ← main; shared ← preload, renderer. Type-only imports count.
 * ARCHITECTURE.md has the tables.
 */

/** Folders and files of src/main, lowest layer first. One may import lower layers and itself, not its own layer. */
const MAIN_LAYERS = [
  ['wire/', 'formats/'],
  ['store/', 'processes/'],
  ['checkpoints/', 'datasets/', 'engines/', 'system/'],
  ['weights/'],
  ['evaluation/'],
  ['inference/', 'reports/', 'runs/'],
  ['plans/'],
  ['rpc/', 'trainer/', 'worker/'],
  ['nextvec.ts'],
  ['hosts/'],
  ['cli/', 'index.ts'],
];

const mainPath = (names) => `^src/main/(${names.join('|').replaceAll('.', '\\.')})`;

/** One rule per folder: no import of its own layer or of one above. */
const mainLayerRules = MAIN_LAYERS.flatMap((layer, level) =>
  layer.map((name) => ({
    name: `main-layers: ${name}`,
    severity: 'error',
    from: { path: mainPath([name]) },
    to: {
      path: mainPath(
        MAIN_LAYERS.slice(level)
          .flat()
          .filter((other) => other !== name),
      ),
    },
  })),
).filter(({ to }) => to.path !== mainPath([]));

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'no-circular',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'resolvable',
      comment: 'Every import must be found; the browser and Electron bring their own.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true, pathNot: '^(electron|virtual:)' },
    },
    {
      name: 'shared-imports-nothing-of-ours',
      severity: 'error',
      from: { path: '^src/shared' },
      to: { path: '^src/(engine|main|preload|renderer)' },
    },
    {
      name: 'shared-runs-anywhere',
      severity: 'error',
      from: { path: '^src/shared' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'engine-imports-shared-only',
      severity: 'error',
      from: { path: '^src/engine' },
      to: { path: '^src/(main|preload|renderer)' },
    },
    {
      name: 'engine-touches-no-files',
      comment: 'Bytes and threads come from its EngineHost.',
      severity: 'error',
      from: { path: '^src/engine', pathNot: '^src/engine/(simd/worker|tfjs/node-gpu)\\.ts$' },
      to: { dependencyTypes: ['core'], path: '^(node:)?(fs|child_process|net|http|https)' },
    },
    {
      name: 'main-is-no-window',
      severity: 'error',
      from: { path: '^src/main' },
      to: { path: '^src/(preload|renderer)|^node_modules/(vue|pinia|uplot|reka-ui)/' },
    },
    {
      name: 'formats-import-shared-only',
      comment: 'Readers and writers of files know no feature.',
      severity: 'error',
      from: { path: '^src/main/formats' },
      to: { path: '^src/', pathNot: '^src/(shared|main/formats)/' },
    },
    {
      name: 'preload-is-alone',
      severity: 'error',
      from: { path: '^src/preload' },
      to: { path: '^src/(engine|main|renderer)' },
    },
    {
      name: 'renderer-imports-shared-only',
      severity: 'error',
      from: { path: '^src/renderer' },
      to: { path: '^src/(engine|main|preload)' },
    },
    {
      name: 'renderer-has-no-node',
      severity: 'error',
      from: { path: '^src/renderer' },
      to: { dependencyTypes: ['core'] },
    },
    ...mainLayerRules,
    {
      name: 'main-folder-without-a-layer',
      comment: 'A new folder of src/main needs a place in MAIN_LAYERS.',
      severity: 'error',
      from: { path: '^src/main', pathNot: mainPath(MAIN_LAYERS.flat()) },
      to: {},
    },
    {
      name: 'features-know-no-rpc',
      comment: 'rpc/ only routes; nextvec.ts builds the routers.',
      severity: 'error',
      from: { path: '^src', pathNot: '^src/main/(rpc/|nextvec\\.ts)' },
      to: { path: '^src/main/rpc/' },
    },
    {
      name: 'sql-in-the-store-only',
      comment: 'Statements too: .oxlintrc.json refuses prepare, pragma and transaction elsewhere in src/main.',
      severity: 'error',
      from: { path: '^src', pathNot: '^src/main/store' },
      to: { path: '^node_modules/(@types/)?better-sqlite3' },
    },
    {
      name: 'electron-in-its-host-only',
      severity: 'error',
      from: { path: '^src', pathNot: '^src/(main/hosts/electron|preload)/' },
      to: { path: '^node_modules/electron/' },
    },
    {
      name: 'features-know-no-other-feature',
      comment: 'What several features share is in stores/, parts/, ui/ or charts/.',
      severity: 'error',
      from: { path: '^src/renderer/features/([^/]+)/' },
      to: { path: '^src/renderer/(features|shell)/', pathNot: '^src/renderer/features/$1/' },
    },
    {
      name: 'shared-renderer-code-knows-no-feature',
      severity: 'error',
      from: { path: '^src/renderer/(ui|charts|parts|stores)/' },
      to: { path: '^src/renderer/(features|shell)/' },
    },
    {
      name: 'charts-know-no-store',
      severity: 'error',
      from: { path: '^src/renderer/charts' },
      to: { path: '^src/renderer/features|^node_modules/pinia' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^src/engine/simd/assembly' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
      extensions: ['.ts', '.js', '.mjs', '.cjs', '.vue', '.json', '.d.ts', '.d.mts'],
    },
  },
};
