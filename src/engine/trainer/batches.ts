/** The batches of an epoch: training windows in an order of the epoch's own, some of them turned. */
import type { TrainerState } from '#shared/domain/runs/trainer-state.ts';
import { gatherAll } from '../evaluation/windows.ts';
import type { Batch } from '../parity.ts';
import { stream } from '../random.ts';
import type { TrainStepInput } from '../types.ts';
import { TurnedBatches } from './augment.ts';
import type { Split, TrainerOptions } from './types.ts';

export class TrainingBatches {
  private readonly train: Split;
  private readonly batchSize: number;
  private readonly seed: number;
  private readonly turned: TurnedBatches | undefined;

  constructor({ train, settings, augmentation }: TrainerOptions) {
    this.train = train;
    this.batchSize = settings.batchSize;
    this.seed = settings.seed;
    this.turned = augmentation && new TurnedBatches(train, augmentation, settings.seed);
  }

  /** Training windows in the order of an epoch. */
  orderOf(epoch: number): Uint32Array<ArrayBuffer> {
    const order = this.train.ids.slice();
    stream(this.seed, 'shuffle', epoch).shuffle(order);
    return order;
  }

  /** The windows `ids`, or a source of their own where some of them are turned. */
  batch(
    ids: Uint32Array,
    nextIds: Uint32Array | undefined,
    epoch: number,
  ): Pick<TrainStepInput, 'source' | 'ids' | 'nextIds'> {
    if (!this.turned) return { source: this.train.source, ids, nextIds };
    const source = this.turned.batch(ids, epoch);
    return { source, ids: Uint32Array.from({ length: ids.length }, (_, row) => row) };
  }

  /** The batch that training goes on with, at most `most` rows of it. */
  next({ epoch, position }: TrainerState, most: number): Batch {
    const order = this.orderOf(epoch);
    // After the last row of an epoch only its evaluation is outstanding.
    const from = position < order.length ? position : 0;
    const { source, ids } = this.batch(order.subarray(from, from + this.batchSize), undefined, epoch);
    return gatherAll({ source, ids: ids.subarray(0, most) });
  }
}
