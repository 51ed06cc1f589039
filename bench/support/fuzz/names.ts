/**
 * Hostile names of data sets, runs and plans, through the command line and through calls. A name that is accepted is one
 * printable line, is found again, and leads no export out of its folder.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Random } from '#engine/random.ts';
import { findRun, storedDataset } from '../../../src/main/cli/handles.ts';
import { formatTable, toJsonLine } from '../../../src/main/cli/output.ts';
import { openVictim, type Victim } from './calls.ts';
import { callOutcome, commandOutcome } from './doors.ts';
import { chance, hostileText, pick } from './hostile.ts';
import type { FuzzTarget } from './target.ts';

const CONTROLS = /\p{Cc}/u;

function oddName(random: Random): string {
  if (chance(random, 0.3)) return `${hostileText(random)}${pick(random, ['\n', '\u001b[2J', '\u2029', '\u009b'])}x`;
  return chance(random, 0.1) ? `${pick(random, ['run', 'α', '3'])} ${random.integer(1000)}` : hostileText(random);
}

function checkShown(name: string): void {
  if (CONTROLS.test(name) || name.length > 200 || name.trim() !== name || name === '')
    throw new Error(`the name ${JSON.stringify(name)} was accepted`);
  const shown = [toJsonLine({ name }), formatTable([name], [{ title: 'name', value: (text) => text }])];
  if (shown.some((text) => CONTROLS.test(text.replaceAll('\n', ''))))
    throw new Error(`${JSON.stringify(name)} is printed`);
}

async function renameRun({ nextvec: { client, home }, run }: Victim, given: string): Promise<void> {
  const { name } = await client.runs.annotate({ runId: run, name: given });
  checkShown(name);
  await client.runs.list();
  if ((await findRun(client, name)).id !== run) throw new Error(`run "${name}" is not found by its name`);
  const { path } = await client.runs.export({ runId: run, format: 'series' });
  const exports = join(home, 'exports');
  if (path === null || dirname(path) !== exports) throw new Error(`the export of "${name}" is ${path}`);
  for (const file of readdirSync(exports)) rmSync(join(exports, file));
}

async function renameDataset({ nextvec: { client }, dataset }: Victim, given: string): Promise<void> {
  const { name } = await client.datasets.rename({ id: dataset, name: given });
  checkShown(name);
  const found = await storedDataset(client, name);
  if (found.id !== dataset) throw new Error(`data set "${name}" is not found by its name`);
}

async function namePlan({ nextvec: { client }, dataset }: Victim, given: string): Promise<void> {
  const items = [{ key: 'train', kind: 'train' as const }];
  const { id, name } = await client.plans.create({ name: given, dataset, items });
  checkShown(name);
  await client.plans.remove({ planId: id });
}

async function datasetHandle({ nextvec: { client } }: Victim, given: string): Promise<void> {
  await storedDataset(client, given);
}

async function runHandle({ nextvec: { client } }: Victim, given: string): Promise<void> {
  await findRun(client, given);
}

const CALLS = [renameRun, renameDataset, namePlan, datasetHandle, runHandle];

export async function names(parent: string): Promise<FuzzTarget> {
  const folder = mkdtempSync(join(parent, 'nextvec-fuzz-name-'));
  // The series are exported often, for the name of their file only.
  const victim = await openVictim(folder, {}, 50);
  return {
    name: 'name',
    attempt: (seed) => {
      const random = new Random(seed * 22_695_477 + 9);
      const name = oddName(random);
      if (seed % 2 === 0) return callOutcome(() => pick(random, CALLS)(victim, name));
      return commandOutcome(
        pick(random, [
          ['train', '--data=x', `--name=${name}`],
          ['sweep', '--data=x', '--vary=tau=0.05,0.1', `--name=${name}`],
          ['plan', '--template=recover', '--data=x', '--ood=y', `--name=${name}`],
        ]),
      );
    },
    close: async () => {
      await victim.nextvec.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
