/**
 * A stand-in for the `electron` module, so that the built main, preload and renderer run without its runtime: windows
 * are real pages of Chromium, the preload lives in an isolated world, a utilityProcess is a child process, menus and
 * dialogs are scripted (control.ts). Not covered: sandbox, fuses, asar, native dialogs. Only what Nextvec uses is here;
 * anything else is undefined and fails loudly.
 */
import { fork } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connectBrowser, requests, type ProtocolHandler } from './browser.ts';
import { dialogs, listenForTests, record } from './control.ts';
import { BrowserWindow, cancelable, closing, ipcMain, useContext, windowEvents } from './window.ts';

export { MessageChannelMain } from './ports.ts';
export { BrowserWindow, ipcMain };

class App extends EventEmitter {
  readonly isPackaged = process.env.STAND_IN_PACKAGED === '1';
  name = 'stand-in';
  readonly #paths = new Map<string, string>();
  #ready = false;
  #quitting = false;

  async whenReady(): Promise<void> {
    const endpoint = process.env.STAND_IN_CDP;
    if (!endpoint) throw new Error('STAND_IN_CDP must name the DevTools endpoint of a running Chromium.');
    useContext(connectBrowser(endpoint, mayNavigate));
    await Promise.resolve();
    this.#ready = true;
    this.emit('ready');
  }

  isReady = (): boolean => this.#ready;
  setName = (name: string): void => void (this.name = name);
  setPath = (name: string, path: string): void => void this.#paths.set(name, path);
  getPath = (name: string): string => this.#paths.get(name) ?? join('/nonexistent', name);
  requestSingleInstanceLock = (): boolean => true;
  enableSandbox = (): void => record('sandboxEnabled', !this.#ready);
  setAboutPanelOptions = (options: object): void => record('aboutPanel', options);
  addRecentDocument = (path: string): void => record('recentDocument', path);

  quit(): void {
    const event = cancelable();
    this.emit('before-quit', event);
    if (event.defaultPrevented) return;
    this.#quitting = true;
    for (const window of BrowserWindow.getAllWindows()) window.close();
    if (BrowserWindow.getAllWindows().length > 0) this.#quitting = false;
    else this.exit(0);
  }

  exit(code = 0): void {
    this.emit('will-quit', cancelable());
    this.emit('quit', {}, code);
    void Promise.all(closing).then(() => process.exit(code));
  }

  allWindowsClosed(): void {
    if (this.#quitting) return;
    if (this.listenerCount('window-all-closed') > 0) this.emit('window-all-closed');
    else this.quit();
  }
}

export const app = new App();
windowEvents.on('all-closed', () => app.allWindowsClosed());

function mayNavigate(request: Parameters<Parameters<typeof connectBrowser>[1]>[0], url: string): boolean {
  const frame = request.frame();
  const window = BrowserWindow.getAllWindows().find(({ webContents }) => webContents.page === frame.page());
  if (!window || frame !== window.webContents.page.mainFrame() || window.webContents.ownNavigation) return true;
  const event = cancelable({ url });
  window.webContents.emit('will-navigate', event, url);
  record('navigation', { url, denied: event.defaultPrevented });
  return !event.defaultPrevented;
}

export const protocol = {
  registerSchemesAsPrivileged: (schemes: readonly { scheme: string; privileges: object }[]): void => {
    if (app.isReady()) throw new Error('registerSchemesAsPrivileged must be called before ready.');
    record('schemes', schemes);
  },
  handle: (scheme: string, handler: ProtocolHandler): void => void requests.handlers.set(scheme, handler),
};

type PermissionHandler = (contents: unknown, permission: string, answer: (granted: boolean) => void) => void;
export const permissions = {
  request: null as PermissionHandler | null,
  check: null as ((contents: unknown, permission: string) => boolean) | null,
};

export const session = {
  defaultSession: Object.assign(new EventEmitter(), {
    webRequest: {
      onBeforeRequest: (filter: NonNullable<typeof requests.beforeRequest>): void =>
        void (requests.beforeRequest = filter),
    },
    setPermissionRequestHandler: (handler: PermissionHandler): void => void (permissions.request = handler),
    setPermissionCheckHandler: (handler: NonNullable<typeof permissions.check>): void =>
      void (permissions.check = handler),
    setSpellCheckerEnabled: (enabled: boolean): void => record('spellChecker', enabled),
  }),
};

export interface MenuItem {
  readonly label?: string;
  readonly role?: string;
  readonly accelerator?: string;
  readonly submenu?: readonly MenuItem[];
  readonly click?: () => void;
}
export const menu = { template: [] as readonly MenuItem[] };
export const Menu = {
  buildFromTemplate: (template: readonly MenuItem[]): readonly MenuItem[] => template,
  setApplicationMenu: (template: readonly MenuItem[]): void => void (menu.template = template),
};

export class Tray {
  constructor(icon: string) {
    record('tray', { made: icon });
  }
  setToolTip = (text: string): void => record('tray', { tooltip: text });
  setTitle = (text: string): void => record('tray', { title: text });
  setContextMenu = (): void => undefined;
  destroy = (): void => record('tray', { destroyed: true });
}

type DialogOptions = Readonly<Record<string, unknown>>;
/** `showMessageBox(window?, options)`. */
function optionsOf(args: readonly unknown[]): DialogOptions {
  return args[args.length - 1] as DialogOptions;
}
export const dialog = {
  showMessageBox: async (...args: unknown[]) => ({ response: Number(await dialogs.ask('message', optionsOf(args))) }),
  async showOpenDialog(...args: unknown[]) {
    const path = await dialogs.ask('open', optionsOf(args));
    return { canceled: path === null, filePaths: path === null ? [] : [String(path)] };
  },
  async showSaveDialog(...args: unknown[]) {
    const path = await dialogs.ask('save', optionsOf(args));
    return { canceled: path === null, filePath: String(path ?? '') };
  },
  showErrorBox: (title: string, content: string): void => {
    record('errorBox', { title, content });
    console.error(`${title}: ${content}`);
  },
};

class NativeTheme extends EventEmitter {
  #source = 'system';
  get themeSource(): string {
    return this.#source;
  }
  set themeSource(source: string) {
    this.#source = source;
    const colorScheme = source === 'system' ? null : (source as 'light' | 'dark');
    for (const { webContents } of BrowserWindow.getAllWindows()) void webContents.page?.emulateMedia({ colorScheme });
    record('theme', source);
  }
  get shouldUseDarkColors(): boolean {
    return this.#source === 'dark';
  }
}
export const nativeTheme = new NativeTheme();

export class Notification extends EventEmitter {
  readonly #options: { readonly title: string; readonly body: string };
  static isSupported = (): boolean => true;
  constructor(options: { title: string; body: string }) {
    super();
    this.#options = options;
  }
  show(): void {
    record('notification', this.#options);
  }
}

const blockers = new Set<number>();
let nextBlocker = 1;
export const powerSaveBlocker = {
  start(kind: string): number {
    blockers.add(nextBlocker);
    record('powerSaveBlocker', { kind, active: blockers.size });
    return nextBlocker++;
  },
  stop(id: number): void {
    blockers.delete(id);
    record('powerSaveBlocker', { kind: 'stopped', active: blockers.size });
  },
};

class PowerMonitor extends EventEmitter {
  #onBattery = false;
  constructor() {
    super();
    this.on('on-battery', () => (this.#onBattery = true));
    this.on('on-ac', () => (this.#onBattery = false));
  }
  isOnBatteryPower = (): boolean => this.#onBattery;
  getCurrentThermalState = (): string => 'nominal';
}
export const powerMonitor = new PowerMonitor();

export const screen = {
  getAllDisplays: () => [{ workArea: { x: 0, y: 0, width: 1920, height: 1080 } }],
};

export const shell = {
  openPath: async (path: string): Promise<string> => {
    record('openPath', path);
    return '';
  },
  openExternal: async (url: string): Promise<void> => record('openExternal', url),
};

export const utilityProcess = {
  fork(entry: string, args: readonly string[] = [], options: { stdio?: string[]; serviceName?: string } = {}) {
    const shim = fileURLToPath(new URL('./utility.ts', import.meta.url));
    const [, , stderr = 'inherit'] = options.stdio ?? [];
    const child = fork(entry, [...args], {
      execArgv: ['--import', shim],
      // Electron's window and trainer are in one session. The window here is in one of its own, so the trainer is, too.
      detached: process.platform === 'linux',
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', stderr === 'pipe' ? 'pipe' : 'inherit', 'ipc'],
    });
    record('utilityProcess', { serviceName: options.serviceName, pid: child.pid });
    return Object.assign(new EventEmitter(), utilityFace(child));
  },
};

function utilityFace(child: ReturnType<typeof fork>) {
  const face = {
    pid: child.pid,
    stderr: child.stderr,
    postMessage: (data: unknown) => void (child.connected && child.send(data as object)),
    kill: () => child.kill(),
    on: (event: string, listener: (value: unknown) => void) => {
      if (event === 'exit') child.on('close', (code) => listener(code ?? 1));
      else child.on(event, listener);
      return face;
    },
    once: (event: string, listener: (value: unknown) => void) => {
      if (event === 'exit') child.once('close', (code) => listener(code ?? 1));
      else child.once(event, listener);
      return face;
    },
  };
  return face;
}

listenForTests();
