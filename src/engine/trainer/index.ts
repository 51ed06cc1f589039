/** The engine-independent training loop and its public types. */
export { Trainer } from './trainer.ts';
export type { Augmentation } from './augment.ts';
export type {
  Checkpoint,
  FitCheckpoint,
  GoldenPair,
  ModelCheckpoint,
  Split,
  TrainerControl,
  TrainerHooks,
  TrainerOptions,
  TrainingSettings,
} from './types.ts';
