/** Folders of the user that belong to no storage folder: the default place of the storage, and the installed engines. */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

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

/**
 * Folder of the engines that `nextvec engines install` made: NEXTVEC_ENGINES, else `engines` in NEXTVEC_HOME or in the
 * default storage folder. The environment alone decides, so that every process of a Nextvec finds the same one.
 */
export function enginesFolder(env: Environment = process.env): string {
  return resolve(env.NEXTVEC_ENGINES || join(env.NEXTVEC_HOME || defaultHome(process.platform, env), 'engines'));
}

/** Written last into the folder of an installed engine. */
export const MANIFEST_FILE = 'installed.json';

/** Folder of the installed TensorFlow, or undefined. */
export function tensorflowFolder(env: Environment = process.env): string | undefined {
  const folder = join(enginesFolder(env), 'tensorflow');
  return existsSync(join(folder, MANIFEST_FILE)) ? folder : undefined;
}
