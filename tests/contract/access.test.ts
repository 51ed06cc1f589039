/** Which calls a reader of the storage folder may make: every procedure of the contract, by the kind it declares. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { call, ORPCError } from '@orpc/server';
import type { Nextvec } from '../../src/main/nextvec.ts';
import { testHome, type TestHome } from '../support/nextvec.ts';
import { PROCEDURES, procedureAt } from '../support/procedures.ts';

/** Procedures that change what is stored. A new one is a mutation unless its contract says `query`. */
const MUTATIONS = [
  'app.settings.set',
  'datasets.delete',
  'datasets.import',
  'datasets.importAgain',
  'datasets.importSample',
  'datasets.importTurnedSample',
  'datasets.preview',
  'datasets.rename',
  'plans.create',
  'plans.move',
  'plans.pause',
  'plans.remove',
  'plans.resume',
  'plans.retry',
  'plans.skip',
  'runs.annotate',
  'runs.delete',
  'runs.importRun',
  'runs.pause',
  'runs.resume',
  'runs.start',
  'runs.stop',
];

/** The error code of a call without input; null when it is answered. */
async function codeOf(router: Nextvec['router'], path: string): Promise<string | null> {
  try {
    const answer: unknown = await call(procedureAt(router, path), undefined, { context: {} });
    if (typeof answer === 'object' && answer !== null && 'return' in answer)
      await (answer as AsyncGenerator<unknown>).return(undefined);
    return null;
  } catch (error) {
    if (!(error instanceof ORPCError)) throw error;
    return (error.data as { code: string }).code;
  }
}

let home: TestHome;
let owner: Nextvec;
let reader: Nextvec;

beforeAll(async () => {
  home = await testHome();
  owner = await home.open();
  reader = await home.open({ access: 'reader' });
});
afterAll(() => home.dispose());

test('the mutations of the contract are the ones listed here', () => {
  const declared = PROCEDURES.filter(([, procedure]) => procedure['~orpc'].meta.access !== 'anyone');
  expect(declared.map(([path]) => path).toSorted()).toEqual(MUTATIONS);
});

describe('in a folder opened by a reader', () => {
  test.each(PROCEDURES.map(([path]) => path).filter((path) => MUTATIONS.includes(path)))(
    '%s is refused with LOCKED',
    async (path) => {
      expect(await codeOf(reader.router, path)).toBe('LOCKED');
    },
  );

  test.each(PROCEDURES.map(([path]) => path).filter((path) => !MUTATIONS.includes(path)))(
    '%s is not refused',
    async (path) => {
      expect(await codeOf(reader.router, path)).not.toBe('LOCKED');
    },
  );
});

test('the owner is not refused in its own folder', async () => {
  expect(await codeOf(owner.router, 'app.settings.set')).toBe('BAD_INPUT');
});
