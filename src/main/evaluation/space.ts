/** The same-space comparison of two stored data sets, measured once for as long as the program runs. */
import type { Comparison } from '#shared/domain/datasets/passport.ts';
import type { Services } from '../rpc/context.ts';
import { requireDataset } from '../rpc/datasets.ts';
import { KnownAnswers, workOutOnce } from '../worker/known-answers.ts';

const KEPT = 100;
const known = new WeakMap<Services, KnownAnswers<Promise<Comparison>>>();

/** Measures in a worker of its own the first time. */
export function knownSpace(services: Services, a: string, b: string): Promise<Comparison> {
  const ofServices = known.get(services) ?? new KnownAnswers(KEPT);
  known.set(services, ofServices);
  const key = JSON.stringify([requireDataset(services, a).id, requireDataset(services, b).id]);
  return workOutOnce(ofServices, key, () => measureSpace(services, a, b));
}

function measureSpace({ home, workers }: Services, a: string, b: string): Promise<Comparison> {
  return workers.once((client) => client.compareData({ a: home.datasetFolder(a), b: home.datasetFolder(b) }));
}
