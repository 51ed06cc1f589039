/** Rows of imported data sets. Their vectors are files below `datasets/<id>/`, written by `main/datasets`. */
import type { Dataset } from '#shared/contract/datasets.ts';
import { unknownDataset } from '#shared/domain/not-found.ts';
import type { Mapping } from '#shared/domain/datasets/mapping.ts';
import type { Passport } from '#shared/domain/datasets/passport.ts';
import { DEFAULT_CONTEXT } from '#shared/domain/datasets/task.ts';
import type { Db } from './database.ts';
import { fromJson } from './stored-json.ts';

/** Together with the file's hash: two imports with equal options give the same stored data set. */
export interface ImportOptions {
  readonly dtype: 'float32' | 'float16' | null;
  readonly crossArticles: boolean;
  /** Absent: the default context, no history. Sets of earlier versions lack both. */
  readonly T?: number;
  readonly history?: number;
  /** Absent: 1, no, and no column named. */
  readonly stride?: number;
  readonly normalise?: true;
  readonly mapping?: Mapping;
}

export interface ChunkOptions {
  readonly contextLength?: number | null;
  readonly history?: number | null;
  readonly stride?: number;
  readonly normalise?: boolean;
  readonly mapping?: Mapping;
}

/** The options of a file of chunks that are not the default. */
export function chunkOptions({
  contextLength,
  history,
  stride = 1,
  normalise,
  mapping,
}: ChunkOptions): Partial<ImportOptions> {
  const isMapped = mapping && Object.values(mapping).some((part) => part !== null);
  return {
    ...(contextLength && contextLength !== DEFAULT_CONTEXT ? { T: contextLength } : {}),
    ...(history ? { history } : {}),
    ...(stride === 1 ? {} : { stride }),
    ...(normalise ? { normalise } : {}),
    ...(isMapped ? { mapping } : {}),
  };
}

export interface NewDataset {
  readonly id: string;
  readonly name: string;
  readonly sourcePath: string;
  readonly isSample: boolean;
  readonly importedAt: number;
  readonly storedBytes: number;
  readonly passport: Passport;
  readonly options: ImportOptions;
}

interface DatasetRow {
  id: string;
  name: string;
  source_path: string;
  is_sample: number;
  imported_at_ms: number;
  stored_bytes: number;
  passport_json: string;
  run_count: number;
}

const SELECT = `SELECT datasets.*,
  (SELECT count(*) FROM runs WHERE runs.dataset_id = datasets.id OR runs.ood_id = datasets.id) AS run_count
  FROM datasets`;

function toDataset(row: DatasetRow): Dataset {
  const stored: Omit<Passport, 'history'> & Partial<Passport> = fromJson(row.passport_json);
  const passport: Passport = { ...stored, history: stored.history ?? null };
  return {
    id: row.id,
    name: row.name,
    sourcePath: row.source_path,
    isSample: row.is_sample === 1,
    importedAt: row.imported_at_ms,
    windows: passport.windows,
    vectors: passport.vectors,
    T: passport.T,
    D: passport.D,
    storedBytes: row.stored_bytes,
    runCount: row.run_count,
    passport,
  };
}

export function insertDataset(db: Db, dataset: NewDataset): void {
  db.prepare(
    `INSERT INTO datasets (id, name, source_path, is_sample, imported_at_ms, stored_bytes, passport_json, options_json)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
  ).run(
    dataset.id,
    dataset.name,
    dataset.sourcePath,
    dataset.isSample ? 1 : 0,
    dataset.importedAt,
    dataset.storedBytes,
    JSON.stringify(dataset.passport),
    JSON.stringify(dataset.options),
  );
}

export function listDatasets(db: Db): Dataset[] {
  return db.prepare<[], DatasetRow>(`${SELECT} ORDER BY imported_at_ms DESC, id`).all().map(toDataset);
}

export function findDataset(db: Db, id: string): Dataset | null {
  const row = db.prepare<[string], DatasetRow>(`${SELECT} WHERE id = ?`).get(id);
  return row === undefined ? null : toDataset(row);
}

/** The data set `id`; throws NOT_FOUND when there is none. */
export function requireDataset(db: Db, id: string): Dataset {
  const dataset = findDataset(db, id);
  if (dataset !== null) return dataset;
  throw unknownDataset(id);
}

/** What the set was imported with. */
export function importOptionsOf(db: Db, id: string): ImportOptions {
  const row = db.prepare<[string], { options_json: string }>('SELECT options_json FROM datasets WHERE id = ?').get(id);
  if (row === undefined) throw unknownDataset(id);
  return fromJson(row.options_json);
}

/** The name, or with the first free number behind it: "speeches (2)". */
export function freeName(db: Db, name: string): string {
  const isTaken = db.prepare<[string], { n: number }>('SELECT count(*) AS n FROM datasets WHERE name = ?');
  for (let number = 1; ; number++) {
    const candidate = number === 1 ? name : `${name} (${number})`;
    if (isTaken.get(candidate)?.n === 0) return candidate;
  }
}

export function countDatasets(db: Db): number {
  return db.prepare<[], { n: number }>('SELECT count(*) AS n FROM datasets').get()?.n ?? 0;
}

/** The data set imported earlier from the same content with the same options, or null. */
export function findDatasetByContent(db: Db, sha256: string, options: ImportOptions): Dataset | null {
  const row = db
    .prepare<[string, string], DatasetRow>(
      `${SELECT} WHERE json_extract(passport_json, '$.sha256') = ? AND options_json = ? ORDER BY imported_at_ms LIMIT 1`,
    )
    .get(sha256, JSON.stringify(options));
  return row === undefined ? null : toDataset(row);
}

/** A set that stores the same data, whatever file it came from. */
export function findDatasetByStoredContent(db: Db, contentSha256: string): Dataset | null {
  const row = db
    .prepare<[string], DatasetRow>(
      `${SELECT} WHERE json_extract(passport_json, '$.contentSha256') = ? ORDER BY imported_at_ms LIMIT 1`,
    )
    .get(contentSha256);
  return row === undefined ? null : toDataset(row);
}

export function renameDataset(db: Db, id: string, name: string): void {
  db.prepare('UPDATE datasets SET name = ? WHERE id = ?').run(name, id);
}

/** Of a set whose files were imported anew. */
export function replacePassport(db: Db, id: string, passport: Passport, storedBytes: number): void {
  db.prepare('UPDATE datasets SET passport_json = ?, stored_bytes = ? WHERE id = ?').run(
    JSON.stringify(passport),
    storedBytes,
    id,
  );
}

export function markSample(db: Db, id: string, name: string): void {
  db.prepare('UPDATE datasets SET is_sample = 1, name = ? WHERE id = ?').run(name, id);
}

export function deleteDataset(db: Db, id: string): void {
  db.prepare('DELETE FROM datasets WHERE id = ?').run(id);
}
