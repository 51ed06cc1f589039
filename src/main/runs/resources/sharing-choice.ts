/**
 * `--parallel auto`: how many runs train best at once. Trainers are started side by side and time training steps of the
 * run's own model for a second, for each number of runs that the machine carries.
 */
import type { Dataset } from '#shared/contract/datasets.ts';
import { modelRow } from '#shared/domain/models/models.ts';
import { modelSpec, type Recipe } from '#shared/domain/recipe/recipe.ts';
import type { Share, Sharing } from '#shared/domain/runs/sharing.ts';
import { requireDataset } from '../../store/datasets.ts';
import type { Home } from '../../store/home.ts';
import type { RunRow } from '../../store/runs.ts';
import { readRecipe } from '../../store/stored-json.ts';
import type { SpawnTrainer } from '../../processes/trainer-process.ts';
import { bestShare, candidates, mostAtOnce, type Demand, type Machine } from './sharing.ts';
import { TrainerConnection } from '../live/trainer-connection.ts';

const SECONDS = 1;
const ALONE: Sharing = { most: 1, measured: [] };

export interface SharingChoiceOptions {
  readonly home: Home;
  readonly machine: Machine;
  readonly resourcesDir: string;
  readonly spawnTrainer: SpawnTrainer;
}

type Shape = Pick<Dataset, 'T' | 'D'>;

export class SharingChoice {
  private readonly options: SharingChoiceOptions;
  /** What has been measured, by model, batch and number of runs. */
  private readonly known = new Map<string, Share>();
  private readonly trainers = new Set<TrainerConnection>();
  private isClosed = false;

  constructor(options: SharingChoiceOptions) {
    this.options = options;
  }

  /** For `waiting` runs of which `row` is the first. One at a time where it cannot be measured. */
  async choose(row: RunRow, demand: Demand, waiting: number): Promise<Sharing> {
    try {
      const recipe = readRecipe(row.recipe_json);
      const dataset = requireDataset(this.options.home.db, recipe.dataset);
      // The fit of a mixture keeps all cores busy by itself.
      if (modelRow(recipe.modelType).training === 'fit') return ALONE;
      // Until `auto` has chosen, the queue lets one such run in at a time.
      const usesDevice = demand.usesDevice && recipe.engine !== 'auto';
      const most = mostAtOnce({ ...demand, usesDevice }, waiting, this.options.machine);
      return most === 1 ? ALONE : await this.best(recipe, dataset, most);
    } catch (error) {
      if (!this.isClosed) console.error('How many runs train best at once could not be measured:', error);
      return ALONE;
    }
  }

  /** Ends what is being measured. */
  close(): void {
    this.isClosed = true;
    for (const trainer of this.trainers) trainer.kill();
  }

  private async best(recipe: Recipe, dataset: Shape, most: number): Promise<Sharing> {
    const measured: Share[] = [];
    for (const runs of candidates(most)) measured.push(await this.share(recipe, dataset, runs));
    return { most: bestShare(measured).runs, measured };
  }

  private async share(recipe: Recipe, data: Shape, runs: number): Promise<Share> {
    const threads = recipe.threads ?? Math.max(1, Math.floor(this.options.machine.cores / runs));
    const { engine, batchSize, lambda } = recipe;
    const key = JSON.stringify([modelSpec(recipe, data.T, data.D), engine, batchSize, lambda, threads, runs]);
    const known = this.known.get(key);
    if (known !== undefined) return known;
    const share = { runs, threads, rowsPerSecond: await this.together(recipe, data, runs, threads) };
    this.known.set(key, share);
    return share;
  }

  /** Training rows a second of `runs` trainers side by side. */
  private async together(recipe: Recipe, { T, D }: Shape, runs: number, threads: number): Promise<number> {
    const { spawnTrainer, resourcesDir } = this.options;
    const trainers = Array.from({ length: runs }, () => new TrainerConnection(spawnTrainer));
    for (const trainer of trainers) this.trainers.add(trainer);
    try {
      const work = { recipe, T, D, threads, seconds: SECONDS, resourcesDir };
      // All have started before any of them measures.
      await Promise.all(trainers.map(({ client }) => client.alive()));
      const speeds = await Promise.all(trainers.map(({ client }) => client.measure(work)));
      return speeds.reduce((sum, { rowsPerSecond }) => sum + rowsPerSecond, 0);
    } finally {
      for (const trainer of trainers) {
        this.trainers.delete(trainer);
        trainer.kill();
      }
    }
  }
}
