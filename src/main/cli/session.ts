/** Opens the services on the storage folder for one command and closes them in any case. */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isNextvecError } from '#shared/domain/errors.ts';
import { findBrowser } from '../hosts/find-browser.mjs';
import { programFiles, resolveHome } from '../hosts/locations.ts';
import { createNextvec, type Nextvec, type NextvecOptions } from '../nextvec.ts';
import type { Output } from './output.ts';

/** Opens the services; default: `createNextvec`. */
export type OpenNextvec = typeof createNextvec;

export interface GlobalOptions {
  readonly home?: string;
  readonly json?: boolean;
  readonly open?: OpenNextvec;
}

export interface Session extends Pick<Nextvec, 'client' | 'router' | 'home' | 'close' | 'activeRuns'> {
  readonly out: Output;
}

type Access = 'owner' | 'reader' | 'any';

function electronVersion(): string | null {
  return process.versions.electron ?? null;
}

const READABLE: ReadonlySet<string> = new Set(['LOCKED', 'NO_PERMISSION', 'DISK_FULL']);

/** `any`: owner where that is possible, else reader. */
async function openServices(
  options: GlobalOptions,
  access: Access,
  more: Partial<NextvecOptions> = {},
): Promise<Nextvec> {
  const { version, resourcesDir } = programFiles();
  const open = (role: 'owner' | 'reader'): Promise<Nextvec> =>
    (options.open ?? createNextvec)({
      home: resolveHome(options.home),
      host: 'node',
      version,
      resourcesDir,
      access: role,
      roots: null,
      ...more,
    });
  if (access !== 'any') return open(access);
  try {
    return await open('owner');
  } catch (error) {
    // Owned by another, full or read-only: what is there can still be read.
    if (!isNextvecError(error) || !READABLE.has(error.code)) throw error;
    return open('reader').catch(() => {
      throw error;
    });
  }
}

/** Browser and desktop runtime for `doctor`. */
export async function runtimes(): Promise<{ browser: string | null; electron: string | null }> {
  const browser = await findBrowser().catch(() => null);
  return { browser, electron: electronVersion() ?? (await installedElectron()) };
}

/** Version of the Electron runtime that lies in node_modules, or null: the package alone is only a downloader. */
async function installedElectron(): Promise<string | null> {
  try {
    const { existsSync, readFileSync } = await import('node:fs');
    const folder = dirname(fileURLToPath(import.meta.resolve('electron/package.json')));
    const version = join(folder, 'dist', 'version');
    return existsSync(version) ? readFileSync(version, 'utf8').trim() : null;
  } catch {
    return null;
  }
}

export async function withSession<T>(
  options: GlobalOptions,
  out: Output,
  access: Access,
  work: (session: Session) => Promise<T>,
  more: Partial<NextvecOptions> = {},
): Promise<T> {
  const nextvec = await openServices(options, access, more);
  try {
    const { client, router, home } = nextvec;
    const session: Session = {
      client,
      router,
      home,
      out,
      close: () => nextvec.close(),
      activeRuns: () => nextvec.activeRuns(),
    };
    return await work(session);
  } finally {
    await nextvec.close();
  }
}
