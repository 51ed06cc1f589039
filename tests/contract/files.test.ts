/** Which files a call may read where roots were given: every place of the contract's inputs that names a file. */
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ORPCError } from '@orpc/client';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { RecipeSchema } from '#shared/domain/recipe/recipe.ts';
import type { CallMeta } from '#shared/contract/call.ts';
import type { NextvecClient } from '#shared/contract/index.ts';
import type { ErrorData } from '#shared/contract/errors.ts';
import { testHome, type TestHome } from '../support/nextvec.ts';
import { PROCEDURES } from '../support/procedures.ts';
import { TRANSPORTS, type Connection } from './transports.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const RECIPE = RecipeSchema.parse({ dataset: 'none' });

/** A call for each place that names a file, by procedure and place. */
const CALLS: Readonly<Record<string, (client: NextvecClient, path: string) => Promise<unknown>>> = {
  'app.files.list path': (client, path) => client.app.files.list({ path }),
  'app.settings.set clusters.*.folder': (client, folder) =>
    client.app.settings.set({ clusters: [{ address: 'ray://127.0.0.1:1', folder }] }),
  'datasets.describe path': (client, path) => client.datasets.describe({ path }),
  'datasets.preview path': (client, path) => client.datasets.preview({ path }),
  'datasets.import path': async (client, path) => {
    for await (const _ of await client.datasets.import({ path }));
  },
  'evaluation.balance recipe.initFrom': async (client, initFrom) => {
    for await (const _ of await client.evaluation.balance({ recipe: { ...RECIPE, initFrom }, shares: { mse: 1 } }));
  },
  'evaluation.firstBatches recipe.initFrom': async (client, initFrom) => {
    for await (const _ of await client.evaluation.firstBatches({ recipe: { ...RECIPE, initFrom } }));
  },
  'inference.predict source.path': (client, path) =>
    client.inference.predict({ runId: '1', source: { kind: 'file', path, rows: null } }),
  'plans.create items.*.recipe.initFrom': (client, initFrom) =>
    client.plans.create({ name: 'p', dataset: 'none', items: [{ key: 'a', kind: 'train', recipe: { initFrom } }] }),
  'plans.retry changes.initFrom': (client, initFrom) => client.plans.retry({ itemId: 1, changes: { initFrom } }),
  'runs.checkCluster cluster.folder': (client, folder) =>
    client.runs.checkCluster({ cluster: { address: 'ray://127.0.0.1:1', folder } }),
  'runs.importRun path': (client, path) => client.runs.importRun({ path }),
  'runs.preflight recipe.initFrom': (client, initFrom) => client.runs.preflight({ recipe: { ...RECIPE, initFrom } }),
  'runs.readRecipeFile path': (client, path) => client.runs.readRecipeFile({ path, base: RECIPE }),
  'runs.start recipe.initFrom': (client, initFrom) => client.runs.start({ recipe: { ...RECIPE, initFrom } }),
};

/**
 * Free texts of inputs that name no file: by their last name, or where any name may stand. A new text of the contract is
 * either added here or declared in `files` of its procedure.
 */
const NO_FILES = new Set([
  'id',
  'runId',
  'runIds.*',
  'datasetId',
  'datasetIds.*',
  'baselineId',
  'dataset',
  'ood',
  'a',
  'b',
  'neighboursIn',
  'mapping.vector',
  'mapping.article',
  'mapping.order',
  'mapping.articles.prefix',
  'name',
  'tags.*',
  'notes',
  'text',
  'stem',
  'key',
  'needs.*',
  'like',
  'of.*',
  'claims.*.of',
  'lambda.{}',
  // Field of a recipe that an axis of a sweep varies, and its values.
  'axes.*.path',
  'axes.*.values.*',
  // Handed back in the answer, never opened.
  'base.initFrom',
  // Lists of articles, e.g. "3,7-12".
  'excludedArticles',
  // Of a cluster: its address, and how its machines start this program.
  'address',
  'command',
  'on',
  // A column of a file, words to search for, handles of runs.
  'split',
  'textColumn',
  'words',
  'parts.*',
]);
/** Recipes, whole (any value, then parsed) or by field; their one file is `initFrom`. */
const RECIPES = new Set(['recipe', 'items.*.recipe.{}', 'changes.{}']);

function initFromOf(recipe: string): string {
  return `${recipe.replace(/\.\{\}$/, '')}.initFrom`;
}

/** Places of a JSON schema where any text, or any value at all, may stand; `{}` for the names of a record. */
function freeTexts(schema: z.core.JSONSchema._JSONSchema, place: readonly string[] = []): string[] {
  if (typeof schema === 'boolean') return schema ? [place.join('.')] : [];
  const { type, properties = {}, items, additionalProperties = false, anyOf = [], oneOf = [], allOf = [] } = schema;
  const parts = [...anyOf, ...oneOf, ...allOf];
  if (parts.length > 0) return parts.flatMap((part) => freeTexts(part, place));
  if (type === 'object')
    return [
      ...Object.entries(properties).flatMap(([name, value]) => freeTexts(value, [...place, name])),
      ...freeTexts(additionalProperties, [...place, '{}']),
    ];
  if (type === 'array') return [items ?? true].flat().flatMap((item) => freeTexts(item, [...place, '*']));
  const mayBeText = type === undefined || [type].flat().some((one) => String(one) === 'string');
  return mayBeText && schema.enum === undefined && schema.const === undefined ? [place.join('.')] : [];
}

function endsWithOneOf(place: string, names: ReadonlySet<string>): boolean {
  const words = place.split('.');
  return words.some((_, i) => names.has(words.slice(i).join('.')));
}

const INPUTS = PROCEDURES.flatMap(([path, procedure]) => {
  const { inputSchema, meta } = procedure['~orpc'];
  const texts =
    inputSchema instanceof z.ZodType
      ? freeTexts(z.toJSONSchema(inputSchema, { io: 'input', unrepresentable: 'any' }))
      : [];
  return [{ path, texts: [...new Set(texts)], files: (meta as CallMeta).files ?? [] }];
});

describe('the inputs of the contract', () => {
  test('every string input is declared as a file path or as not one', () => {
    const unknown = INPUTS.flatMap(({ path, texts, files }) =>
      texts
        .filter((place) => !files.includes(place) && !RECIPES.has(place) && !endsWithOneOf(place, NO_FILES))
        .map((place) => `${path} ${place}`),
    );
    expect(unknown).toEqual([]);
  });

  test('each recipe that is trained or measured declares its initFrom', () => {
    const undeclared = INPUTS.filter(({ texts, files }) =>
      texts.some((place) => RECIPES.has(place) && !files.includes(initFromOf(place))),
    );
    expect(undeclared).toEqual([]);
  });

  test('each declared place has a call below', () => {
    const declared = INPUTS.flatMap(({ path, files }) => files.map((place) => `${path} ${place}`));
    expect(declared.toSorted()).toEqual(Object.keys(CALLS).toSorted());
  });
});

async function refusal(work: Promise<unknown>): Promise<ErrorData & { message: string }> {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ORPCError);
  const { data, message } = error as ORPCError<string, ErrorData>;
  return { ...data, message };
}

const SECRET = 'root:x:0:0:secret';

describe.each(TRANSPORTS)('with roots, %s', (_, connect) => {
  let home: TestHome;
  let connection: Connection;
  let root: string;
  let outside: string;
  beforeAll(async () => {
    home = await testHome();
    [root, outside] = ['root', 'outside'].map((name) => join(home.path, name));
    await Promise.all([root, outside].map((folder) => mkdir(folder)));
    await writeFile(join(outside, 'secret'), SECRET);
    await symlink(join(outside, 'secret'), join(root, 'link'));
    await symlink(outside, join(root, 'folder-link'));
    connection = await connect(await home.open({ roots: [root] }));
  });
  afterAll(async () => {
    await connection.close();
    await home.dispose();
  });

  describe.each(Object.entries(CALLS))('%s', (_name, call) => {
    test.each([
      ['a file outside', 'outside/secret'],
      ['a file that does not exist outside', 'outside/none'],
      ['a path that leaves the root by ..', 'root/../outside/secret'],
      ['a symbolic link to a file outside', 'root/link'],
      ['a symbolic link to a folder outside', 'root/folder-link/secret'],
    ])('refuses %s', async (_what, path) => {
      const refused = await refusal(call(connection.client, join(home.path, path)));
      expect(refused).toMatchObject({ code: 'NO_PERMISSION', place: join(home.path, path) });
      expect(refused.message).not.toContain(SECRET);
    });
  });

  test('a path that is too long is refused without its text', async () => {
    const refused = await refusal(connection.client.app.files.list({ path: 'a/'.repeat(100_000) }));
    expect(refused.code).toBe('NO_PERMISSION');
    expect(refused.message.length).toBeLessThan(300);
  });
});

describe('with roots', () => {
  let home: TestHome;
  let client: NextvecClient;
  beforeAll(async () => {
    home = await testHome();
    ({ client } = await home.open({ roots: [home.path] }));
  });
  afterAll(() => home.dispose());

  test.each(Object.entries(CALLS))('%s does not refuse a path inside the root', async (_name, call) => {
    const error = await call(client, join(home.path, 'none')).catch((thrown: ORPCError<string, ErrorData>) => thrown);
    expect(error).not.toMatchObject({ data: { code: 'NO_PERMISSION' } });
  });
});

describe('a refused file', () => {
  const FILES = {
    text: SECRET,
    'text.json': `{"${SECRET}`,
    'text.npz': `PK\x03\x04${SECRET}`,
    'text.npy': `\x93NUMPY\x01\0\x20\0{'descr': '${SECRET}', 'x': 1}`,
    'text.safetensors': `\x20\0\0\0\0\0\0\0{"${SECRET}": {"dtype"`,
  };
  let home: TestHome;
  let client: NextvecClient;
  beforeAll(async () => {
    home = await testHome();
    for (const [name, text] of Object.entries(FILES))
      await writeFile(join(home.path, name), Buffer.from(text, 'latin1'));
    ({ client } = await home.open());
  });
  afterAll(() => home.dispose());

  test.each(['datasets.import path', 'runs.importRun path', 'runs.readRecipeFile path'])(
    '%s does not quote its content',
    async (name) => {
      const refused = await Promise.all(
        Object.keys(FILES).map((file) => refusal(CALLS[name](client, join(home.path, file)))),
      );
      for (const { message, remedy, place } of refused)
        expect([message, remedy, place].join(' ')).not.toContain('secret');
    },
  );
});

test('a file is not listed as a folder', async () => {
  const home = await testHome();
  await writeFile(join(home.path, 'file'), '');
  const { client } = await home.open({ roots: [home.path] });
  expect(await refusal(client.app.files.list({ path: join(home.path, 'file') }))).toMatchObject({
    code: 'FILE_UNREADABLE',
    message: expect.stringContaining('not a folder') as string,
  });
  await home.dispose();
});
