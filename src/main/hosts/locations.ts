/** Paths of the user's storage folder and of the shipped files of this build. */
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

type Environment = Readonly<Record<string, string | undefined>>;

/** The default storage folder. */
export function defaultHome(
  platform: NodeJS.Platform = process.platform,
  env: Environment = process.env,
  user = homedir(),
): string {
  if (platform === 'darwin') return join(user, 'Library', 'Application Support', 'Nextvec');
  if (platform === 'win32') return join(env.APPDATA || join(user, 'AppData', 'Roaming'), 'Nextvec');
  return join(env.XDG_DATA_HOME || join(user, '.local', 'share'), 'nextvec');
}

/** `asked` (--home), else NEXTVEC_HOME, else the default of the platform. */
export function resolveHome(asked?: string): string {
  return resolve(asked || process.env.NEXTVEC_HOME || defaultHome());
}

export interface ProgramFiles {
  readonly version: string;
  /** The built page. */
  readonly rendererDir: string;
  readonly preload: string;
  readonly resourcesDir: string;
}

/** Climbs from this module (src/ or out/) to the folder that holds Nextvec's package.json. */
export function programFiles(from: string = fileURLToPath(import.meta.url)): ProgramFiles {
  let folder = dirname(from);
  while (!existsSync(join(folder, 'package.json')) && dirname(folder) !== folder) folder = dirname(folder);
  const manifest = z
    .object({ version: z.string() })
    .parse(JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')));
  return {
    version: manifest.version,
    rendererDir: join(folder, 'out', 'renderer'),
    preload: join(folder, 'out', 'preload', 'index.cjs'),
    resourcesDir: join(folder, 'resources'),
  };
}
