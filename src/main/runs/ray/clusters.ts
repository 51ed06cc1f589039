/** The clusters that Settings keep, each checked once before the first run is sent to it. */
import { rm } from 'node:fs/promises';
import { NextvecError } from '#shared/domain/errors.ts';
import type { Cluster, ClusterCheck, RunPlace } from '#shared/domain/runs/clusters.ts';
import type { Db } from '../../store/database.ts';
import { updateRun, type RunRow } from '../../store/runs.ts';
import { currentSettings } from '../../store/settings.ts';
import type { Demand } from '../resources/sharing.ts';
import { checkCluster } from './check.ts';
import { RayClient } from './client.ts';
import { runFolder } from './shared-folder.ts';
import { RayTrainer } from './trainer.ts';

export class Clusters {
  private readonly db: Db;
  private readonly version: string;
  /** By settings of the cluster; one that failed is checked again. */
  private readonly checked = new Map<string, Promise<ClusterCheck>>();

  constructor(db: Db, version: string) {
    this.db = db;
    this.version = version;
  }

  find(address: string | null): Cluster | null {
    return currentSettings(this.db).clusters.find((cluster) => cluster.address === address) ?? null;
  }

  require(address: string): Cluster {
    const cluster = this.find(address);
    if (cluster !== null) return cluster;
    throw new NextvecError('NOT_FOUND', `There is no cluster ${address} in the settings.`, {
      remedy: 'Add it in Settings, or with "nextvec clusters add", which also needs its shared folder.',
      details: { place: address },
    });
  }

  /** Removes what a run has in the shared folder of a cluster that is still kept. */
  async removeFiles({ address }: RunPlace, runId: string): Promise<void> {
    const cluster = this.find(address);
    if (cluster !== null) await rm(runFolder(cluster.folder, runId), { recursive: true, force: true });
  }

  check(cluster: Cluster): Promise<ClusterCheck> {
    return checkCluster(new RayClient(cluster.address), cluster, this.version);
  }

  /** The trainer of a run there: its job found again, or one that is sent when its events are asked for. */
  trainer({ id, step, epoch }: RunRow, place: RunPlace, { memoryBytes, usesDevice }: Demand): RayTrainer {
    const cluster = this.require(place.address);
    return new RayTrainer({
      cluster,
      client: new RayClient(cluster.address),
      version: this.version,
      place,
      step,
      epoch,
      gpus: usesDevice ? cluster.gpus : 0,
      memoryBytes,
      recordPlace: (newest) => updateRun(this.db, id, { place_json: JSON.stringify(newest) }),
      checked: () => this.checkOnce(cluster),
    });
  }

  private checkOnce(cluster: Cluster): Promise<ClusterCheck> {
    const key = JSON.stringify(cluster);
    const known = this.checked.get(key);
    if (known !== undefined) return known;
    const check = this.check(cluster);
    this.checked.set(key, check);
    check.catch(() => this.checked.delete(key));
    return check;
  }
}
