/** What other services use of the data layer. */
export { coherenceStrip, type CoherenceStrip } from './coherence.ts';
export { compareDatasets } from './compare.ts';
export { openDataset, type Dataset, type SourceOptions } from './dataset.ts';
export { importDataset, inspectFile, sweepUnfinishedImports, type ImportOptions, type ImportResult } from './import.ts';
export { countOverlap, type Overlap } from './overlap.ts';
export type { ImportPhase, ImportStatus, ProgressListener } from './progress.ts';
export { proveNoLeak, splitDataset, vectorsOf, type DatasetSplit, type LeakProof } from './split.ts';
export { readMeta, type StoreMeta } from './store-files.ts';
export type { StoreDType } from './vector-store.ts';
export { describeFile } from './describe.ts';
