/**
 * The full-text index of a data set's texts: a SQLite file beside them, made from them and rebuilt at will. It holds no text
 * itself, only the words of each vector's text (FTS5) and the place of the vector.
 */
import Database from 'better-sqlite3';
import { searchTerms } from '#shared/domain/datasets/search-terms.ts';
import { NextvecError } from '#shared/domain/errors.ts';

export interface IndexedText {
  readonly vector: number;
  readonly text: string;
  /** First window with the vector as its target, else in its context; null: of none. */
  readonly window: number | null;
  readonly isTarget: boolean;
  readonly article: number | null;
  /** Place in reading order. */
  readonly chunk: number | null;
}

export type IndexedPlace = Omit<IndexedText, 'text'>;

/** 2: with prefix indexes of two and three characters. */
const VERSION = 2;

/** Writes the index to the new file `path`. */
export function writeTextIndex(path: string, texts: Iterable<IndexedText>): void {
  const db = new Database(path);
  try {
    // A derived file: written whole or not at all.
    db.pragma('journal_mode = OFF');
    db.pragma('synchronous = OFF');
    // Without a prefix index, a search for two letters visits thousands of words.
    db.exec(`CREATE VIRTUAL TABLE words USING fts5(
        text, content='', prefix='2 3', tokenize="unicode61 remove_diacritics 2"
      );
      CREATE TABLE places (
        vector INTEGER PRIMARY KEY, window INTEGER, is_target INTEGER NOT NULL, article REAL, chunk INTEGER
      ) STRICT;`);
    const word = db.prepare('INSERT INTO words (rowid, text) VALUES (?, ?)');
    const place = db.prepare('INSERT INTO places VALUES (?, ?, ?, ?, ?)');
    db.exec('BEGIN');
    for (const { vector, text, window, isTarget, article, chunk } of texts) {
      // The vector is the row id, so that hits come in the order of the file.
      word.run(vector, text);
      place.run(vector, window, isTarget ? 1 : 0, article, chunk);
    }
    db.exec('COMMIT');
    db.exec(`INSERT INTO words (words) VALUES ('optimize')`);
    db.pragma(`user_version = ${VERSION}`);
  } finally {
    db.close();
  }
}

/** Whether `path` is an index of this version. */
export function isTextIndex(path: string): boolean {
  return withIndex(path, () => true) ?? false;
}

/** null: there is no index, it is damaged, or of another version. */
function withIndex<R>(path: string, read: (db: Database.Database) => R): R | null {
  let db: Database.Database | null = null;
  try {
    db = new Database(path, { readonly: true, fileMustExist: true });
    return db.pragma('user_version', { simple: true }) === VERSION ? read(db) : null;
  } catch (error) {
    if (error instanceof Database.SqliteError) return null;
    throw error;
  } finally {
    db?.close();
  }
}

interface PlaceRow {
  vector: number;
  window: number | null;
  is_target: number;
  article: number | null;
  chunk: number | null;
}

/**
 * Vectors whose texts hold all words, in the order of the file. null: the index cannot be used and must be built again.
 * Throws BAD_INPUT where `words` holds no word.
 */
export function searchTextIndex(path: string, words: string, limit: number): IndexedPlace[] | null {
  const query = ftsQuery(words);
  return withIndex(path, (db) =>
    db
      .prepare<[string, number], PlaceRow>(
        `SELECT places.* FROM (SELECT rowid FROM words WHERE words MATCH ? ORDER BY rowid LIMIT ?) AS found
         JOIN places ON places.vector = found.rowid ORDER BY places.vector`,
      )
      .all(query, limit)
      .map(({ is_target, ...place }) => ({ ...place, isTarget: is_target === 1 })),
  );
}

/** Words in quotes stand together as a phrase; the last word may be the beginning of one. */
export function ftsQuery(words: string): string {
  const terms = searchTerms(words);
  if (terms.length === 0) {
    throw new NextvecError('BAD_INPUT', `"${words}" holds no word to search for.`, {
      remedy: 'Write one or more words.',
    });
  }
  return terms.map(({ text, isPrefix }) => `"${text}"${isPrefix ? '*' : ''}`).join(' ');
}
