/** `runs --where` with whole, broken and random conditions; what is read must also be applied to a run without a fault. */
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Random } from '#engine/random.ts';
import { RUN_FIELDS } from '../../../src/main/cli/flags/run-fields.ts';
import { parseWhere } from '../../../src/main/cli/flags/where.ts';
import { mutate } from '../mutate.ts';
import { openVictim } from './calls.ts';
import { callOutcome, commandOutcome } from './doors.ts';
import { chance, hostileNumber, hostileText, pick } from './hostile.ts';
import type { FuzzTarget } from './target.ts';

const WHOLE = [
  'status = finished',
  'valCosine > 0.4',
  'model != gru',
  'name ~ "run"',
  'recipe.lambda.mse >= 0',
  'tags = long',
  'engine = null',
];
const FIELDS = [...RUN_FIELDS, 'lr', 'recipe.', 'recipe.schedule.factor', 'splitProof.ok', '__proto__', 'a.b.c.d'];
const OPERATORS = ['=', '!=', '>', '>=', '<', '<=', '~', '==', '=>', '!', ''];

function condition(random: Random): string {
  if (chance(random, 0.6)) return pick(random, WHOLE);
  const quote = pick(random, ['', '"', "'"]);
  const value = chance(random, 0.5) ? hostileNumber(random) : hostileText(random);
  return `${pick(random, FIELDS)} ${pick(random, OPERATORS)} ${quote}${value}${quote}`;
}

/** Conditions as `--where` takes them, about half of them broken. */
export function expression(random: Random, seed: number): string {
  const conditions = Array.from({ length: 1 + random.integer(chance(random, 0.02) ? 2000 : 3) }, () =>
    condition(random),
  );
  const text = conditions.join(chance(random, 0.8) ? ' and ' : pick(random, [' or ', ';', ' AND ', ' ', '\n']));
  return chance(random, 0.3) ? Buffer.from(mutate(Buffer.from(text), seed)).toString('utf8') : text;
}

export async function filters(parent: string): Promise<FuzzTarget> {
  const folder = mkdtempSync(join(parent, 'nextvec-fuzz-where-'));
  const { nextvec } = await openVictim(folder);
  const runs = await nextvec.client.runs.list();
  return {
    name: 'where',
    attempt: (seed) => {
      const text = expression(new Random(seed * 48_271 + 3), seed);
      if (seed % 2 === 0) return commandOutcome(['runs', `--where=${text}`]);
      return callOutcome(async () => void runs.filter(parseWhere(text)));
    },
    close: async () => {
      await nextvec.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
