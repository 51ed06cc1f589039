/** `app.*`: program info, doctor, settings, the file chooser and menu commands. */
import { availableParallelism } from 'node:os';
import type { Home } from '../store/home.ts';
import { currentSettings, writeSettings } from '../store/settings.ts';
import type { CommandBus } from '../system/commands.ts';
import type { Doctor } from '../system/doctor.ts';
import { listFolder, listRoots } from '../system/files.ts';
import type { NativeHooks } from '../system/native.ts';
import { eventStream } from '../wire/stream.ts';
import type { Procedures } from './implementer.ts';

export interface AppServices {
  readonly home: Home;
  readonly host: 'electron' | 'node';
  readonly version: string;
  /** Folders the chooser shows; null: there is no chooser. */
  readonly roots: readonly string[] | null;
  readonly native: NativeHooks;
  readonly doctor: Doctor;
  readonly commands: CommandBus;
}

export function appRouter({ app }: Procedures, { home, host, version, roots, native, doctor, commands }: AppServices) {
  return app.router({
    info: app.info.handler(() => ({
      version,
      host,
      platform: process.platform,
      home: home.path,
      nativeDialogs: native.chooseFile !== undefined,
      cores: availableParallelism(),
    })),
    doctor: app.doctor.handler(({ input }) => doctor.report(input ?? { afresh: false, check: false })),
    settings: {
      get: app.settings.get.handler(() => currentSettings(home.db)),
      set: app.settings.set.handler(({ input }) => {
        writeSettings(home.db, input);
        const settings = currentSettings(home.db);
        native.settingsChanged?.(settings);
        return settings;
      }),
    },
    files: {
      list: app.files.list.handler(async ({ input }) =>
        input.path === null || roots === null ? listRoots(roots ?? []) : listFolder(input.path, input.purpose, roots),
      ),
      choose: app.files.choose.handler(async ({ input }) => ({
        path: (await native.chooseFile?.(input.purpose)) ?? null,
      })),
      revealHome: app.files.revealHome.handler(async () => {
        if (native.revealFolder === undefined) return { shown: false };
        await native.revealFolder(home.path);
        return { shown: true };
      }),
    },
    pdf: {
      draw: app.pdf.draw.handler(async () => native.drawPdf?.()),
      save: app.pdf.save.handler(async ({ input }) => ({ path: (await native.savePdf?.(input.name)) ?? null })),
    },
    commands: app.commands.handler(({ signal }) =>
      eventStream((cancelled) => commands.subscribe('command', { signal: cancelled }), signal),
    ),
  });
}
