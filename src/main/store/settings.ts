/** Settings, one row a key. Meanings and defaults of the keys are in the contract's schema. */
import { SettingsSchema, type Settings } from '#shared/contract/app.ts';
import type { Db } from './database.ts';
import { fromJson } from './stored-json.ts';

export function readSettings(db: Db): Record<string, unknown> {
  const rows = db.prepare<[], { key: string; value_json: string }>('SELECT key, value_json FROM settings').all();
  return Object.fromEntries(rows.map(({ key, value_json }) => [key, fromJson(value_json)]));
}

/** Stored settings over the defaults; all defaults when they no longer fit the schema. */
export function currentSettings(db: Db): Settings {
  const parsed = SettingsSchema.safeParse(readSettings(db));
  return parsed.success ? parsed.data : SettingsSchema.parse({});
}

export function writeSettings(db: Db, values: Readonly<Record<string, unknown>>): void {
  const put = db.prepare(
    'INSERT INTO settings (key, value_json) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value_json = excluded.value_json',
  );
  db.transaction(() => {
    for (const [key, value] of Object.entries(values)) {
      if (value !== undefined) put.run(key, JSON.stringify(value));
    }
  })();
}
