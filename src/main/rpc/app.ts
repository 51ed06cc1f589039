/** `app.*`: what this Nextvec runs on, its settings, the folders a person may choose from, menu commands. */
import { access, constants, readdir, realpath, stat, statfs } from 'node:fs/promises';
import { availableParallelism, totalmem } from 'node:os';
import { dirname, extname, join, relative, isAbsolute } from 'node:path';
import { EventPublisher } from '@orpc/server';
import { FILE_KINDS, type DirectoryEntry, type Doctor, type FilePurpose } from '#shared/contract/app.ts';
import { NextvecError } from '#shared/domain/errors.ts';
import { currentSettings, writeSettings } from '../store/settings.ts';
import { requireOwner, type Services } from './context.ts';
import { procedures } from './implementer.ts';
import { eventStream } from '../wire/stream.ts';

interface Command {
  readonly command: string;
  readonly path: string | null;
}
export class CommandBus extends EventPublisher<{ command: Command }> {}

async function listFolder(path: string, purpose: FilePurpose, roots: readonly string[]) {
  const real = await realpath(path).catch(() => {
    throw new NextvecError('FILE_NOT_FOUND', `There is no folder ${path}.`, { details: { place: path } });
  });
  const realRoots = await Promise.all(roots.map((root) => realpath(root).catch(() => root)));
  const isInside = (folder: string): boolean =>
    realRoots.some((root) => {
      const way = relative(root, folder);
      return way === '' || (!way.startsWith('..') && !isAbsolute(way));
    });
  if (!isInside(real)) {
    throw new NextvecError('NO_PERMISSION', `The folder ${path} is not one of those this Nextvec may show.`, {
      remedy: 'Start it with --root for that folder.',
      details: { place: path },
    });
  }
  const parent = dirname(real);
  return {
    path: real,
    parent: isInside(parent) && parent !== real ? parent : null,
    entries: await entriesOf(real, purpose),
  };
}

async function entriesOf(folder: string, purpose: FilePurpose): Promise<DirectoryEntry[]> {
  const { extensions } = FILE_KINDS[purpose];
  const isWanted = (name: string): boolean => extensions.includes(extname(name).slice(1).toLowerCase());
  const found = await readdir(folder, { withFileTypes: true });
  const shown = found.filter((e) => !e.name.startsWith('.') && (!e.isFile() || isWanted(e.name)));
  const entries = await Promise.all(shown.map((entry) => describe(folder, entry.name, isWanted)));
  return entries
    .filter((entry) => entry !== null)
    .toSorted((a, b) => b.kind.localeCompare(a.kind) || a.name.localeCompare(b.name, undefined, { numeric: true }));
}

async function describe(
  folder: string,
  name: string,
  isWanted: (name: string) => boolean,
): Promise<DirectoryEntry | null> {
  const path = join(folder, name);
  const info = await stat(path).catch(() => null);
  if (info === null || (!info.isDirectory() && !info.isFile())) return null;
  const kind = info.isDirectory() ? 'folder' : 'file';
  if (kind === 'file' && !isWanted(name)) return null;
  return { name, path, kind, bytes: kind === 'file' ? info.size : null, modifiedAt: info.mtimeMs };
}

function rootEntries(roots: readonly string[]): DirectoryEntry[] {
  return roots.map((path) => ({ name: path, path, kind: 'folder', bytes: null, modifiedAt: null }));
}

async function storageReport({ home, runs }: Services) {
  const writable = await access(home.path, constants.W_OK).then(
    () => true,
    () => false,
  );
  const { bavail, bsize } = await statfs(home.path);
  const datasets = home.db.prepare<[], { n: number }>('SELECT count(*) AS n FROM datasets').get()?.n ?? 0;
  return { path: home.path, writable, freeBytes: bavail * bsize, runs: runs.list().length, datasets };
}

/** In a thread of its own: to load TensorFlow.js keeps one busy for longer than a window should wait for an answer. */
function findEngines({ workers, options }: Services): Promise<Doctor['engines']> {
  return workers.once((client) => client.engines({ resourcesDir: options.resourcesDir }));
}

export function appRouter(services: Services) {
  const { options, home } = services;
  let engines: Promise<Doctor['engines']> | undefined;
  const knownEngines = (afresh: boolean): Promise<Doctor['engines']> => {
    if (engines && !afresh) return engines;
    engines = findEngines(services);
    engines.catch(() => (engines = undefined));
    return engines;
  };
  const { app } = procedures;
  return app.router({
    info: app.info.handler(() => ({
      version: options.version,
      host: options.host,
      platform: process.platform,
      home: home.path,
      nativeDialogs: options.native?.chooseFile !== undefined,
      cores: availableParallelism(),
    })),
    doctor: app.doctor.handler(async ({ input }) => ({
      node: process.version,
      platform: `${process.platform} ${process.arch}`,
      cores: availableParallelism(),
      memoryBytes: totalmem(),
      engines: await knownEngines(input?.afresh ?? false),
      storage: await storageReport(services),
      browser: options.runtimes?.browser ?? null,
      electron: options.runtimes?.electron ?? process.versions.electron ?? null,
    })),
    settings: {
      get: app.settings.get.handler(() => currentSettings(home.db)),
      set: app.settings.set.handler(({ input }) => {
        requireOwner(services);
        writeSettings(home.db, input);
        return currentSettings(home.db);
      }),
    },
    files: {
      list: app.files.list.handler(async ({ input }) =>
        input.path === null
          ? { path: null, parent: null, entries: rootEntries(options.roots) }
          : listFolder(input.path, input.purpose, options.roots),
      ),
      choose: app.files.choose.handler(async ({ input }) => ({
        path: (await options.native?.chooseFile?.(input.purpose)) ?? null,
      })),
      revealHome: app.files.revealHome.handler(async () => {
        if (options.native?.revealFolder === undefined) return { shown: false };
        await options.native.revealFolder(home.path);
        return { shown: true };
      }),
    },
    commands: app.commands.handler(({ signal }) =>
      eventStream((cancelled) => services.commands.subscribe('command', { signal: cancelled }), signal),
    ),
  });
}
