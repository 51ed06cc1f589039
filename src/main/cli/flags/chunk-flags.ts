/** Flags that say how windows are built from a file of chunks: its columns, context length, stride. */
import type { Command } from 'commander';
import { parseArticleRule, type Mapping } from '#shared/domain/datasets/mapping.ts';
import { DEFAULT_CONTEXT, MAX_CONTEXT, MAX_HISTORY, MAX_STRIDE } from '#shared/domain/datasets/task.ts';
import { NextvecError } from '#shared/domain/errors.ts';

/** What the windows ask of a model. */
export interface TaskFlags {
  readonly contextLength?: string;
  readonly history?: string;
}

export interface ChunkFlags extends TaskFlags {
  readonly crossArticles?: boolean;
  readonly stride?: string;
  readonly normalize?: boolean;
  readonly vectorColumn?: string;
  readonly articleColumn?: string;
  readonly orderColumn?: string;
  readonly articles?: string;
}

export interface TaskOptions {
  /** null: the default. */
  readonly contextLength: number | null;
  readonly history: number | null;
}

export interface ChunkOptions extends TaskOptions {
  readonly crossArticles: boolean;
  readonly stride: number;
  readonly normalise: boolean;
  readonly mapping: Mapping;
}

export function addTaskFlags(command: Command): Command {
  return command
    .option('--context-length <N>', `chunks of a context of windows built from chunks [${DEFAULT_CONTEXT}]`)
    .option(
      '--history <K>',
      'windows of a chunk file also read the mean of up to K chunks before them, and of the article so far',
    );
}

/** Throws BAD_INPUT. */
export function taskOptions(flags: TaskFlags): TaskOptions {
  return {
    contextLength: chunkCount('--context-length', flags.contextLength, MAX_CONTEXT),
    history: chunkCount('--history', flags.history, MAX_HISTORY),
  };
}

export function addChunkFlags(command: Command): Command {
  return addTaskFlags(command.option('--cross-articles', 'windows of a chunk file may cross articles'))
    .option('--stride <N>', 'chunks from the start of one window to that of the next [1]')
    .option('--normalize', 'scale vectors to length 1')
    .option('--vector-column <NAME>', 'column of the vectors; found by name and type without it')
    .option('--article-column <NAME>', 'column of the articles, numbers or names')
    .option('--order-column <NAME>', 'column of the numbers of the chunks; none: the order of the file')
    .option(
      '--articles <RULE>',
      'what an article is where no column says so: by-file, prefix:TEXT (a text that begins so starts one) or split:COSINE (so does a vector whose cosine to the one before is below it)',
    );
}

/** Throws BAD_INPUT. */
export function chunkOptions(flags: ChunkFlags): ChunkOptions {
  if (flags.articleColumn !== undefined && flags.articles !== undefined) {
    throw new NextvecError('BAD_INPUT', '--article-column and --articles exclude each other.');
  }
  return {
    crossArticles: flags.crossArticles === true,
    ...taskOptions(flags),
    stride: chunkCount('--stride', flags.stride, MAX_STRIDE) ?? 1,
    normalise: flags.normalize === true,
    mapping: {
      vector: flags.vectorColumn ?? null,
      article: flags.articleColumn ?? null,
      order: flags.orderColumn === 'none' ? false : (flags.orderColumn ?? null),
      articles: flags.articles === undefined ? null : parseArticleRule(flags.articles),
    },
  };
}

/** null: not given. Throws BAD_INPUT. */
function chunkCount(flag: string, word: string | undefined, most: number): number | null {
  const count = countOf(flag, word);
  if (count === null || count <= most) return count;
  throw new NextvecError('BAD_INPUT', `${flag} is at most ${most}, not ${count}.`);
}

/** null: not given. Throws BAD_INPUT. */
export function countOf(flag: string, word: string | undefined): number | null {
  if (word === undefined) return null;
  const value = Number(word);
  if (Number.isInteger(value) && value > 0) return value;
  throw new NextvecError('BAD_INPUT', `${flag} needs a count above 0, not "${word}".`);
}
