/** Paths of the user's storage folder and of the shipped files of this build. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { defaultHome } from '../processes/user-folders.ts';

/** `asked` (--home), else NEXTVEC_HOME, else the default of the platform. */
export function resolveHome(asked?: string): string {
  return resolve(asked || process.env.NEXTVEC_HOME || defaultHome());
}

export interface ProgramFiles {
  readonly version: string;
  /** Web page with new versions, beside package.json's `homepage`; null where it names none. */
  readonly releases: string | null;
  /** The built page. */
  readonly rendererDir: string;
  readonly preload: string;
  readonly resourcesDir: string;
  /** Files made with PyTorch that `verify` takes, one for each model. */
  readonly referencesDir: string;
}

/** Climbs from this module (src/ or out/) to the folder that holds Nextvec's package.json. */
export function programFiles(from: string = fileURLToPath(import.meta.url)): ProgramFiles {
  let folder = dirname(from);
  while (!existsSync(join(folder, 'package.json')) && dirname(folder) !== folder) folder = dirname(folder);
  const manifest = z
    .object({ version: z.string(), homepage: z.url({ protocol: /^https$/ }).optional() })
    .parse(JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')));
  return {
    version: manifest.version,
    releases: manifest.homepage === undefined ? null : `${manifest.homepage}/releases`,
    rendererDir: join(folder, 'out', 'renderer'),
    preload: join(folder, 'out', 'preload', 'index.cjs'),
    resourcesDir: join(folder, 'resources'),
    referencesDir: join(folder, 'tests', 'fixtures', 'golden'),
  };
}
