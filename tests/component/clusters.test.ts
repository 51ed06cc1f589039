/** Ray clusters: kept, tested and removed in Settings, and chosen where a run, a sweep or a plan is made. */
import { beforeEach, expect, test } from 'vitest';
import type { Cluster } from '#shared/domain/runs/clusters.ts';
import ClusterList from '../../src/renderer/features/settings/ClusterList.vue';
import NewPlanDialog from '../../src/renderer/features/plans/NewPlanDialog.vue';
import NewSweepDialog from '../../src/renderer/features/plans/NewSweepDialog.vue';
import NameFields from '../../src/renderer/features/new-run/NameFields.vue';
import { useDraftStore } from '../../src/renderer/stores/draft-store.ts';
import { dataset } from './support/fixtures.ts';
import { button, click, field, fill, hasField, mountDialog, mountPage, texts } from './support/page.ts';
import { client, history } from './support/rpc.ts';

const ADDRESS = 'ray://10.0.0.1:8265';
const CLUSTER: Cluster = { address: ADDRESS, folder: '/shared', command: 'nextvec', cpus: 8, gpus: 1, jobs: 16 };

beforeEach(() => {
  history.datasets = [dataset('docs'), dataset('manual-ood')];
  history.runs = [];
  history.settings = { ...history.settings, clusters: [CLUSTER] };
  client.plans.create.mockResolvedValue(undefined);
});

test('a cluster is kept once its address and folder are right', async () => {
  history.settings = { ...history.settings, clusters: [] };
  await mountPage(ClusterList);
  await click(button('Add a cluster…'));
  await fill(field('Address'), 'http://10.0.0.1:8265');
  await fill(field('Shared folder'), 'shared');
  expect(texts('.field.wrong').join()).toMatch(/ray:\/\/HOST:PORT.*an absolute path/);
  expect(button('Keep').disabled).toBe(true);
  await fill(field('Address'), ADDRESS);
  await fill(field('Shared folder'), '/shared');
  await fill(field('CPUs a job'), '8');
  await click(button('Keep'));
  expect(history.settings.clusters).toEqual([{ ...CLUSTER, gpus: 0, jobs: 4 }]);
  expect(texts('li').join()).toContain('/shared · nextvec · 8 CPUs and 0 GPUs a job, 4 at once');
});

test('a test says what was found, how far the clock is off, and what is wrong', async () => {
  await mountPage(ClusterList);
  client.runs.checkCluster.mockResolvedValue({ rayVersion: '2.60.0', machine: 'node-7', skewMs: 61_000 });
  await click(button(`Test ${ADDRESS}`));
  expect(client.runs.checkCluster.mock.calls[0][0]).toEqual({ cluster: CLUSTER });
  expect(texts('[role="status"]').join()).toMatch(/Ray 2.60.0; a job on node-7.*Its clock is 61 s ahead/);
  client.runs.checkCluster.mockRejectedValue(new Error('Ray does not answer'));
  await click(button(`Test ${ADDRESS}`));
  expect(texts('li').join()).toContain('No run can be sent there');
});

test('a cluster can be changed and removed', async () => {
  await mountPage(ClusterList);
  await click(button(`Change ${ADDRESS}`));
  await fill(field('Jobs at once'), '3');
  await click(button('Keep'));
  expect(history.settings.clusters).toEqual([{ ...CLUSTER, jobs: 3 }]);
  await click(button(`Remove ${ADDRESS}`));
  expect(history.settings.clusters).toEqual([]);
});

test.each([
  ['sweep', NewSweepDialog],
  ['plan', NewPlanDialog],
])('a %s is sent to the cluster that is chosen', async (_what, dialog) => {
  await mountDialog(dialog);
  await fill(field<HTMLSelectElement>('Run on'), ADDRESS);
  await click(button('Put it into the queue'));
  expect(client.plans.create.mock.calls[0][0]).toMatchObject({ on: ADDRESS });
});

test('without clusters there is nothing to choose', async () => {
  history.settings = { ...history.settings, clusters: [] };
  await mountPage(NameFields);
  expect(hasField('Run on')).toBe(false);
});

test('a run trains here unless a cluster is chosen', async () => {
  await mountPage(NameFields);
  const draft = useDraftStore();
  expect(draft.on).toBeNull();
  await fill(field<HTMLSelectElement>('Run on'), ADDRESS);
  expect(draft.on).toBe(ADDRESS);
});
