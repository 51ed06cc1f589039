/** The same-space comparison of two stored data sets, measured once for as long as the program runs. */
import type { Comparison } from '#shared/domain/passport.ts';
import type { Services } from '../rpc/context.ts';
import { requireDataset } from '../rpc/datasets.ts';

const known = new WeakMap<Services, Map<string, Promise<Comparison>>>();

/** Measures in a worker of its own the first time; a stored set never changes, so that answer holds. */
export function knownSpace(services: Services, a: string, b: string): Promise<Comparison> {
  const ofServices = known.get(services) ?? new Map<string, Promise<Comparison>>();
  known.set(services, ofServices);
  const key = JSON.stringify([requireDataset(services, a).id, requireDataset(services, b).id]);
  const running = ofServices.get(key);
  if (running) return running;
  const started = measureSpace(services, a, b);
  ofServices.set(key, started);
  started.catch(() => ofServices.delete(key));
  return started;
}

function measureSpace({ home, workers }: Services, a: string, b: string): Promise<Comparison> {
  return workers.once((client) => client.compareData({ a: home.datasetFolder(a), b: home.datasetFolder(b) }));
}
