/** `data`: the imported data sets; list, rename, delete, texts, search, export. Importing one is `import`. */
import type { Command } from 'commander';
import { MOST_HITS, type Dataset, type TextHit } from '#shared/contract/datasets.ts';
import type { Place } from '#shared/contract/places.ts';
import { DATA_EXPORT_FORMATS } from '#shared/domain/datasets/export.ts';
import { NextvecError } from '#shared/domain/errors.ts';
import type { CommandContext } from '../context.ts';
import { readableDataset, storedDataset } from '../handles.ts';
import { compareSets, revealSet, showArticles } from '../dataset-views.ts';
import { exportData, type DataExportFlags } from './written-files.ts';
import { formatBytes, formatCosine, type Output } from '../output.ts';
import { withSession, type Session } from '../session.ts';
import { lineOf } from '../texts.ts';

const ACTIONS = ['list', 'rename', 'delete', 'texts', 'search', 'articles', 'compare', 'reveal', 'export'] as const;
const VIEWS = { articles: showArticles, compare: compareSets, reveal: revealSet } as const;
type Action = (typeof ACTIONS)[number];

interface DataFlags extends DataExportFlags {
  readonly force?: boolean;
  readonly limit: string;
}

export function addDatasetsCommand(program: Command, context: CommandContext): void {
  program
    .command('data [ACTION] [ID] [NAME]')
    .description(
      'list: the imported data sets; rename ID NAME; delete ID: the stored copy, never the file; texts ID: its first texts; search ID WORDS; articles ID: length, coherence, duplicates and side of each; compare ID ID; reveal ID: where its files lie; export ID: to a file',
    )
    .option('--format <F>', `export: ${DATA_EXPORT_FORMATS.join('|')}`)
    .option('--out <F>', 'export: file to write; in exports/ of the storage folder without it')
    .option('--texts', 'export: with the texts')
    .option('--windows', 'export: the windows of a set of chunks, not the chunks')
    .option(
      '--split [RUN]',
      'export: a column with the side of each row in the split of a run; articles: sides in the split of a run; in the split of a plain recipe without one',
    )
    .option('--limit <N>', 'texts, search: how many', '20')
    .option('--force', 'delete: also when runs were trained on it; they stay, but cannot be resumed')
    .action((action: string | undefined, id: string | undefined, name: string | undefined, flags: DataFlags) =>
      context.run((out) => data(context, readAction(action ?? 'list'), { id, name, ...flags }, out)),
    );
}

function readAction(word: string): Action {
  const action = ACTIONS.find((known) => known === word);
  if (action !== undefined) return action;
  throw usage(`data knows no "${word}".`);
}

function usage(message: string): NextvecError {
  return new NextvecError('BAD_INPUT', message, {
    remedy:
      'Write "data list", "data rename ID NAME", "data delete ID", "data texts ID", "data search ID WORDS", "data articles ID", "data compare ID ID", "data reveal ID" or "data export ID"; ID is a name, an id or its start, or "sample".',
  });
}

interface Words extends DataFlags {
  readonly id?: string;
  readonly name?: string;
}

function data(context: CommandContext, action: Action, words: Words, out: Output): Promise<void> {
  const count = { list: 0, rename: 2, delete: 1, texts: 1, search: 2, articles: 1, compare: 2, reveal: 1, export: 1 }[
    action
  ];
  const given = [words.id, words.name].filter((word) => word !== undefined).length;
  if (given !== count) throw usage(`data ${action} takes ${count} arguments, not ${given}.`);
  if (action === 'export') return exportData(context, words.id ?? '', words, out);
  if (action === 'texts' || action === 'search') return readTexts(context, action, words, out);
  if (action === 'articles' || action === 'compare' || action === 'reveal') {
    return withSession(context.options(), out, 'any', ({ client }) => VIEWS[action](client, words, out));
  }
  return withSession(context.options(), out, action === 'list' ? 'any' : 'owner', async (session) => {
    const change = action === 'list' ? {} : await changed(session, action, words, out);
    const datasets = await session.client.datasets.list();
    out.result({ datasets, ...change }, () => {
      if (datasets.length === 0) out.line('No data sets. Import one: nextvec import FILE');
      printDatasets(datasets, out);
    });
  });
}

function readTexts(context: CommandContext, action: 'texts' | 'search', words: Words, out: Output): Promise<void> {
  const limit = Number(words.limit);
  if (!(Number.isInteger(limit) && limit > 0 && limit <= MOST_HITS)) {
    throw new NextvecError('BAD_INPUT', `--limit needs a number from 1 to ${MOST_HITS}, not "${words.limit}".`);
  }
  return withSession(context.options(), out, 'any', async ({ client }) => {
    const { id } = await readableDataset(client, words.id ?? '');
    if (action === 'texts') {
      const texts = await client.datasets.texts({ id, count: limit });
      return out.result({ dataset: id, texts }, () => printPlaces(texts, out));
    }
    const hits = await client.datasets.search({ id, words: words.name ?? '', limit });
    out.result({ dataset: id, hits }, () => {
      if (hits.length === 0) out.line('No text holds all of these words.');
      else printPlaces(hits, out);
    });
  });
}

/** Hits of a search with their windows. */
function printPlaces(places: readonly (Place & Partial<TextHit>)[], out: Output): void {
  const isSearch = places.some(({ window }) => window !== undefined);
  out.table(places, [
    { title: 'vector', value: ({ vector }) => vector },
    { title: 'article', value: ({ article }) => article },
    { title: 'chunk', value: ({ chunk }) => chunk },
    ...(isSearch ? [{ title: 'window', value: ({ window = null }: Partial<TextHit>) => window }] : []),
    { title: 'text', value: ({ text }) => lineOf(text) },
  ]);
}

async function changed({ client }: Session, action: Action, words: Words, out: Output): Promise<object> {
  const dataset = await storedDataset(client, words.id ?? '');
  if (action === 'rename') {
    const { name } = await client.datasets.rename({ id: dataset.id, name: words.name ?? '' });
    out.progress(`${dataset.name}: renamed to ${name}`, true);
    return {};
  }
  const { freedBytes } = await client.datasets.delete({ id: dataset.id, force: words.force === true });
  out.progress(`${dataset.name}: deleted, ${formatBytes(freedBytes)} freed`, true);
  return { freedBytes };
}

export function printDatasets(datasets: readonly Dataset[], out: Output): void {
  if (datasets.length === 0) return;
  out.table(datasets, [
    { title: 'name', value: (d) => d.name },
    { title: 'windows', value: (d) => d.windows },
    { title: 'vectors', value: (d) => d.vectors },
    { title: 'T', value: (d) => d.T },
    { title: 'D', value: (d) => d.D },
    { title: 'coherence', value: (d) => formatCosine(d.passport.coherence.mean), align: 'right' },
    { title: 'stored', value: (d) => formatBytes(d.storedBytes), align: 'right' },
    { title: 'id', value: (d) => d.id },
  ]);
}
