/** The app's window: sandboxed, isolated, bound to the built page, with an RPC port of its own. */
import { BrowserWindow, dialog, ipcMain, MessageChannelMain, nativeTheme, type IpcMainEvent } from 'electron';
import { RPCHandler } from '@orpc/server/message-port';
import { TYPED_ARRAY_SERIALIZERS } from '#shared/contract/serializers.ts';
import type { Nextvec } from '../../nextvec.ts';
import { CallLimit } from '../../wire/call-limit.ts';
import { guardedPort } from '../../wire/guarded-port.ts';
import { APP_ORIGIN, CONNECT_CHANNEL, PORT_CHANNEL } from '../handshake.ts';
import { openOutside } from './outside-links.ts';
import { ReloadLimit } from './reload-limit.ts';
import { keepWindowState, readWindowState } from './window-state.ts';

export interface WindowOptions {
  readonly preload: string;
  readonly statePath: string;
  /** Address of `electron-vite dev`, or null for the built page. */
  readonly devServer: string | null;
}

const DEFAULT_SIZE = { width: 1280, height: 800 };
const MIN_SIZE = { minWidth: 800, minHeight: 560 };
/** The page's own ground colours, so that a window never flashes white. */
const GROUND = { light: '#ffffff', dark: '#1c1c1e' };

function pageOrigin(devServer: string | null): string {
  return devServer === null ? APP_ORIGIN : new URL(devServer).origin;
}

/** Answers a page's request for an RPC port: a new one each time, also after a reload. */
export function connectPages(nextvec: Pick<Nextvec, 'router'>, devServer: string | null): void {
  const rpc = new RPCHandler(nextvec.router, { customJsonSerializers: TYPED_ARRAY_SERIALIZERS });
  ipcMain.on(CONNECT_CHANNEL, (event: IpcMainEvent) => {
    const frame = event.senderFrame;
    const isOurPage = frame !== null && frame === event.sender.mainFrame && frame.origin === pageOrigin(devServer);
    if (!isOurPage) return;
    const { port1, port2 } = new MessageChannelMain();
    rpc.upgrade(guardedPort(port1), { context: { calls: new CallLimit() } });
    port1.start();
    event.sender.postMessage(PORT_CHANNEL, null, [port2]);
  });
}

export function openWindow({ preload, statePath, devServer }: WindowOptions): BrowserWindow {
  const state = readWindowState(statePath);
  const window = new BrowserWindow({
    ...DEFAULT_SIZE,
    ...MIN_SIZE,
    ...(state && { x: state.x, y: state.y, width: state.width, height: state.height }),
    show: false,
    title: 'Nextvec',
    backgroundColor: nativeTheme.shouldUseDarkColors ? GROUND.dark : GROUND.light,
    titleBarStyle: process.platform === 'darwin' ? 'hiddenInset' : 'default',
    webPreferences: {
      preload,
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      nodeIntegrationInWorker: false,
      webSecurity: true,
      webviewTag: false,
      navigateOnDragDrop: false,
      spellcheck: false,
      // Charts go on while another window covers this one.
      backgroundThrottling: false,
    },
  });
  if (state?.maximized) window.maximize();
  if (state?.fullScreen) window.setFullScreen(true);
  keepWindowState(window, statePath);
  keepAtHome(window, pageOrigin(devServer));
  window.once('ready-to-show', () => window.show());
  void window.loadURL(`${pageOrigin(devServer)}/${state?.page ?? ''}`);
  return window;
}

/** Training goes on in main meanwhile; only the window shows nothing. */
async function offerReload(window: BrowserWindow, reason: string): Promise<void> {
  const { response } = await dialog.showMessageBox(window, {
    type: 'error',
    message: `The page of this window crashed several times in a row (${reason}).`,
    detail: 'Runs that train are not affected.',
    buttons: ['Load Again', 'Leave It'],
    defaultId: 0,
    cancelId: 1,
  });
  if (response === 0 && !window.isDestroyed()) window.webContents.reload();
}

/**
 * Blocks navigation, new windows and webviews. A link to a new window opens outside the app once the person agrees. Reloads
 * a crashed page, within `ReloadLimit`.
 */
function keepAtHome(window: BrowserWindow, origin: string): void {
  const contents = window.webContents;
  const reloads = new ReloadLimit();
  contents.setWindowOpenHandler(({ url }) => {
    void openOutside(window, url);
    return { action: 'deny' };
  });
  contents.on('will-attach-webview', (event) => event.preventDefault());
  const stay = (event: { preventDefault(): void; readonly url: string }): void => {
    if (!URL.canParse(event.url) || !event.url.startsWith(`${origin}/`)) event.preventDefault();
  };
  contents.on('will-navigate', stay);
  contents.on('will-redirect', stay);
  contents.on('render-process-gone', (_event, { reason }) => {
    if (reason === 'clean-exit' || window.isDestroyed()) return;
    if (reloads.allows(Date.now())) contents.reload();
    else void offerReload(window, reason);
  });
}
