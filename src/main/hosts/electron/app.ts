/**
 * The Electron host: life of the app from start to quit. Windows, menu, scheme and activity are in the files beside
 * it; the services are `createNextvec`. Not here: anything a window shows.
 */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { app, BrowserWindow, dialog, Menu, nativeTheme, shell } from 'electron';
import { FILE_KINDS, type FilePurpose, type Settings } from '#shared/contract/app.ts';
import { toErrorData } from '#shared/domain/errors.ts';
import { makeFolders } from '../../formats/files/make-folders.ts';
import { createNextvec, type Nextvec } from '../../nextvec.ts';
import type { NativeHooks } from '../../system/native.ts';
import { programFiles, resolveHome } from '../locations.ts';
import { endWithin } from '../shutdown.ts';
import { followActivity } from './activity.ts';
import { menuTemplate, type Command } from './menu.ts';
import { MenuBarItem } from './menu-bar-item.ts';
import { dataFilesIn } from './opened-files.ts';
import { registerScheme, sealSession, servePageOverScheme } from './protocol.ts';
import { PagePdf } from './page-pdf.ts';
import { notePower, notePowerNow } from './power.ts';
import { utilityTrainer } from './trainer-process.ts';
import { connectPages, openWindow } from './window.ts';

const DIALOG_TITLES: Readonly<Record<FilePurpose, string>> = {
  dataset: 'Import a data set',
  context: 'Choose contexts',
  run: 'Import a run',
  recipe: 'Import a recipe',
};

/** From the answer of the quit dialog to exit; saving a large model on a slow disk takes some seconds. */
const CLOSING_MS = 30_000;

export function startElectronHost(): void {
  const home = resolveHome();
  const browserDir = join(home, 'browser');
  try {
    makeFolders(browserDir);
  } catch (error) {
    return refuseStart(error);
  }
  // The single-instance lock lives there: one window per storage folder.
  app.setPath('userData', browserDir);
  app.setName('Nextvec');
  if (!app.requestSingleInstanceLock()) {
    app.quit();
    return;
  }
  registerScheme();
  app.enableSandbox();
  process.on('unhandledRejection', (reason) => console.error('Unhandled:', reason));
  const opened = dataFilesIn(process.argv, process.cwd());
  app.on('open-file', (event, path) => {
    event.preventDefault();
    opened.push(path);
  });
  app
    .whenReady()
    .then(() => new DesktopApp(home, browserDir).start(opened))
    .catch(refuseStart);
}

function refuseStart(error: unknown): void {
  const { message, remedy } = toErrorData(error);
  dialog.showErrorBox('Nextvec cannot start', [message, remedy].filter(Boolean).join('\n\n'));
  app.exit(1);
}

class DesktopApp {
  readonly #files = programFiles();
  readonly #devServer = app.isPackaged ? null : (process.env.ELECTRON_RENDERER_URL ?? null);
  readonly #home: string;
  readonly #browserDir: string;
  readonly #following = new AbortController();
  readonly #menuBar = new MenuBarItem({
    iconsDir: join(this.#files.resourcesDir, 'icons'),
    showWindow: () => void this.#window(),
  });
  readonly #pdf = new PagePdf();
  #nextvec: Nextvec | null = null;
  #quitting: 'no' | 'asked' | 'yes' = 'no';

  constructor(home: string, browserDir: string) {
    this.#home = home;
    this.#browserDir = browserDir;
  }

  async start(opened: readonly string[]): Promise<void> {
    const trainer = join(dirname(fileURLToPath(import.meta.url)), 'trainer.js');
    const nextvec = await createNextvec({
      home: this.#home,
      host: 'electron',
      version: this.#files.version,
      resourcesDir: this.#files.resourcesDir,
      roots: null,
      hasWindow: true,
      runsQueue: true,
      spawnTrainer: utilityTrainer(trainer),
      native: this.#native(),
      runtimes: { browser: null, electron: process.versions.electron ?? null },
    });
    this.#nextvec = nextvec;
    sealSession(this.#devServer);
    servePageOverScheme(this.#files.rendererDir);
    connectPages(nextvec, this.#devServer);
    app.setAboutPanelOptions({
      applicationName: 'Nextvec',
      applicationVersion: this.#files.version,
      version: `Electron ${process.versions.electron ?? 'unknown'}, Node ${process.versions.node}`,
      copyright: 'MIT licence. Licences of its packages: Help > Third-Party Notices.',
    });
    this.#applySettings(await nextvec.client.app.settings.get());
    this.#listen();
    notePower(nextvec);
    followActivity(nextvec.client, this.#following.signal, {
      onBegin: () => notePowerNow(nextvec),
      showRuns: () => this.#send('runs'),
      onProgress: (runs) => this.#menuBar.setRuns(runs),
    });
    this.#window();
    for (const path of opened) this.#import(path);
  }

  /** What services ask of the desktop. */
  #native(): NativeHooks {
    return {
      chooseFile: (purpose) => this.#chooseFile(purpose),
      revealFolder: async (path) => void (await shell.openPath(path)),
      drawPdf: () => this.#pdf.draw(this.#window()),
      savePdf: (name) => this.#pdf.save(this.#window(), name),
      settingsChanged: (settings) => this.#applySettings(settings),
    };
  }

  #listen(): void {
    app.on('second-instance', (_event, argv, folder) => {
      this.#window();
      for (const path of dataFilesIn(argv, folder)) this.#import(path);
    });
    app.on('activate', () => this.#window());
    app.removeAllListeners('open-file');
    app.on('open-file', (event, path) => {
      event.preventDefault();
      this.#import(path);
    });
    app.on('window-all-closed', () => {
      if (process.platform !== 'darwin') app.quit();
    });
    app.on('before-quit', (event) => {
      if (this.#quitting === 'yes') return;
      event.preventDefault();
      void this.#quit();
    });
  }

  /** Brings the window forward, or makes it. */
  #window(): BrowserWindow {
    const [there] = BrowserWindow.getAllWindows();
    if (there) {
      if (there.isMinimized()) there.restore();
      there.show();
      there.focus();
      return there;
    }
    const window = openWindow({
      preload: this.#files.preload,
      statePath: join(this.#browserDir, 'window.json'),
      devServer: this.#devServer,
    });
    window.on('close', (event) => {
      if (this.#quitting === 'yes' || (this.#nextvec?.activeRuns() ?? 0) === 0) return;
      event.preventDefault();
      void this.#quit(window);
    });
    return window;
  }

  /** Asks for confirmation while a run trains; then pauses runs, flushes and quits. */
  async #quit(window: BrowserWindow | null = BrowserWindow.getAllWindows()[0] ?? null): Promise<void> {
    if (this.#quitting !== 'no') return;
    this.#quitting = 'asked';
    const runs = this.#nextvec?.activeRuns() ?? 0;
    const answer = runs > 0 ? await askAboutTraining(window, runs) : 'quit';
    if (answer !== 'quit') {
      this.#quitting = 'no';
      if (answer === 'keep') hideOrMinimise(window);
      return;
    }
    endWithin(CLOSING_MS);
    try {
      this.#following.abort();
      await this.#nextvec?.close();
    } catch (error) {
      console.error('Closing the storage folder failed:', error);
    }
    this.#quitting = 'yes';
    app.quit();
  }

  #send(command: Command): void {
    this.#window();
    this.#nextvec?.sendCommand(command);
    if (command.startsWith('theme-')) void this.#setTheme(command.slice('theme-'.length) as Settings['theme']);
  }

  #import(path: string): void {
    app.addRecentDocument(path);
    this.#window();
    this.#nextvec?.sendCommand('import', path);
  }

  async #setTheme(theme: Settings['theme']): Promise<void> {
    await this.#nextvec?.client.app.settings.set({ theme });
  }

  #applySettings({ theme, menuBar }: Settings): void {
    this.#menuBar.setOn(menuBar);
    nativeTheme.themeSource = theme;
    const { releases } = this.#files;
    const template = menuTemplate({
      send: (command) => this.#send(command),
      revealHome: () => void shell.openPath(this.#home),
      openReleases: releases === null ? null : () => void shell.openExternal(releases),
      theme,
      development: !app.isPackaged,
    });
    Menu.setApplicationMenu(Menu.buildFromTemplate(template));
  }

  async #chooseFile(purpose: FilePurpose): Promise<string | null> {
    const { title, extensions } = FILE_KINDS[purpose];
    const { canceled, filePaths } = await dialog.showOpenDialog(this.#window(), {
      title: DIALOG_TITLES[purpose],
      properties: ['openFile'],
      filters: [
        { name: title, extensions: [...extensions] },
        { name: 'All files', extensions: ['*'] },
      ],
    });
    if (canceled || filePaths.length === 0) return null;
    // Recent documents open as data sets.
    if (purpose === 'dataset') app.addRecentDocument(filePaths[0]);
    return filePaths[0];
  }
}

/** Keeps training without the window: hidden on macOS, minimised elsewhere. */
function hideOrMinimise(window: BrowserWindow | null): void {
  if (process.platform === 'darwin') window?.hide();
  else window?.minimize();
}

async function askAboutTraining(window: BrowserWindow | null, runs: number): Promise<'keep' | 'quit' | 'cancel'> {
  const options: Electron.MessageBoxOptions = {
    type: 'question',
    message: runs === 1 ? 'A run is training.' : `${runs} runs are training or waiting.`,
    detail: 'Training can go on without the window, or be paused now and resumed later from exactly where it is.',
    buttons: ['Keep Training', 'Pause and Quit', 'Cancel'],
    defaultId: 0,
    cancelId: 2,
  };
  const { response } = window ? await dialog.showMessageBox(window, options) : await dialog.showMessageBox(options);
  return (['keep', 'quit', 'cancel'] as const)[response];
}
