/** BrowserWindow, WebContents and ipcMain over real pages of Chromium. */
import { EventEmitter } from 'node:events';
import { readFileSync } from 'node:fs';
import type { BrowserContext, CDPSession, Page } from 'playwright-core';
import { toApp, toWeb } from './browser.ts';
import { fromWire, toWire, type MessagePortMain, type WireData } from './ports.ts';
import { rpcCall, rpcId } from './rpc-messages.ts';
import { DELIVER, EXPOSE_SCRIPT, PRELOAD_WORLD, preloadScript, SEND_BINDING } from './page-world.ts';

export interface WebPreferences {
  readonly preload?: string;
  readonly sandbox?: boolean;
  readonly contextIsolation?: boolean;
  readonly nodeIntegration?: boolean;
  readonly [name: string]: unknown;
}

export interface WindowOptions {
  readonly width?: number;
  readonly height?: number;
  readonly x?: number;
  readonly y?: number;
  readonly show?: boolean;
  readonly webPreferences?: WebPreferences;
  readonly [name: string]: unknown;
}

type FromPage =
  | { readonly type: 'ipc'; readonly channel: string; readonly args: readonly unknown[] }
  | { readonly type: 'port-message'; readonly port: number; readonly data: WireData };

export const ipcMain = new EventEmitter();
/** Time from each call of a page to its first answer. */
export const answerTimes: { call: string; ms: number }[] = [];

/** An event with Electron's preventDefault. */
export function cancelable(more: object = {}): { defaultPrevented: boolean; preventDefault(): void } {
  const event = {
    defaultPrevented: false,
    preventDefault() {
      event.defaultPrevented = true;
    },
    ...more,
  };
  return event;
}

let context: Promise<BrowserContext>;
export function useContext(opening: Promise<BrowserContext>): void {
  context = opening;
}

export class WebContents extends EventEmitter {
  readonly mainFrame: { origin: string; url: string } = { origin: 'null', url: '' };
  readonly #ports = new Map<number, MessagePortMain>();
  /** Pending calls, by port and id; null once answered, as further messages belong to a stream. */
  readonly #asked = new Map<string, { call: string; at: number } | null>();
  #openHandler: (details: { url: string }) => { action: string } = () => ({ action: 'allow' });
  /** What the handler said about the latest popup. */
  #openAction = 'allow';
  #nextPort = 1;
  #world: number | undefined;
  #session!: CDPSession;
  page!: Page;
  /** Navigations started by the app, for which Electron emits no will-navigate. */
  ownNavigation = false;

  async open(preferences: WebPreferences): Promise<void> {
    this.page = await (await context).newPage();
    // The test asks for it, too, but the latest of the two connections to say anything of the media is heard.
    await this.page.emulateMedia({ reducedMotion: 'reduce' });
    const session = await this.page.context().newCDPSession(this.page);
    this.#session = session;
    session.on('Runtime.executionContextCreated', ({ context: world }) => {
      if (world.name === PRELOAD_WORLD) this.#world = world.id;
    });
    session.on('Runtime.executionContextDestroyed', ({ executionContextId }) => {
      if (executionContextId === this.#world) this.#closePorts();
    });
    session.on('Runtime.executionContextsCleared', () => this.#closePorts());
    session.on('Runtime.bindingCalled', ({ name, payload, executionContextId }) => {
      this.#world = executionContextId;
      if (name === SEND_BINDING) this.#receive(JSON.parse(payload) as FromPage);
    });
    await session.send('Runtime.enable');
    await session.send('Page.enable');
    await session.send('Runtime.addBinding', { name: SEND_BINDING, executionContextName: PRELOAD_WORLD });
    await session.send('Page.addScriptToEvaluateOnNewDocument', { source: EXPOSE_SCRIPT });
    if (preferences.preload) {
      const source = preloadScript(readFileSync(preferences.preload, 'utf8'));
      await session.send('Page.addScriptToEvaluateOnNewDocument', { source, worldName: PRELOAD_WORLD });
    }
    // The popup itself has no address yet.
    session.on('Page.windowOpen', ({ url }) => (this.#openAction = this.#openHandler({ url: toApp(url) }).action));
    this.page.on('popup', (popup) => {
      if (this.#openAction === 'deny') void popup.close();
    });
    this.page.on('framenavigated', (frame) => {
      if (frame !== this.page.mainFrame()) return;
      const url = toApp(frame.url());
      Object.assign(this.mainFrame, { url, origin: /^\w+:\/\/[^/]*/.exec(url)?.[0] ?? 'null' });
      this.emit('did-navigate-in-page', {}, url);
    });
    this.page.on('crash', () => this.emit('render-process-gone', {}, { reason: 'crashed' }));
  }

  getURL = (): string => this.mainFrame.url;

  async load(url: string): Promise<void> {
    this.ownNavigation = true;
    await this.page.goto(toWeb(url)).finally(() => (this.ownNavigation = false));
    this.emit('did-finish-load');
  }

  setWindowOpenHandler(handler: (details: { url: string }) => { action: string }): void {
    this.#openHandler = handler;
  }

  printToPDF(options: { preferCSSPageSize: boolean; printBackground: boolean }): Promise<Uint8Array> {
    return this.page.pdf(options);
  }

  reload(): void {
    this.ownNavigation = true;
    void this.page.reload().finally(() => (this.ownNavigation = false));
  }

  postMessage(channel: string, message: unknown, transfer: readonly MessagePortMain[] = []): void {
    const ports = transfer.map((port) => this.#adopt(port));
    this.#deliver({ type: 'ipc', channel, args: [message], ports });
  }

  #adopt(port: MessagePortMain): number {
    const id = this.#nextPort++;
    this.#ports.set(id, port);
    port.on('message', ({ data }: { data: unknown }) => {
      this.#timeAnswer(id, data);
      this.#deliver({ type: 'port-message', port: id, data: toWire(data) });
    });
    port.on('close', () => {
      if (this.#ports.delete(id)) this.#deliver({ type: 'port-close', port: id });
    });
    port.start();
    return id;
  }

  #receive(message: FromPage): void {
    if (message.type === 'ipc') {
      ipcMain.emit(message.channel, { sender: this, senderFrame: this.mainFrame, ports: [] }, ...message.args);
      return;
    }
    const data = fromWire(message.data);
    const id = rpcId(data);
    const key = `${message.port}/${id}`;
    if (id !== null && !this.#asked.has(key)) this.#asked.set(key, { call: rpcCall(data), at: performance.now() });
    this.#ports.get(message.port)?.postMessage(data);
  }

  #timeAnswer(port: number, data: unknown): void {
    const key = `${port}/${rpcId(data)}`;
    const asked = this.#asked.get(key);
    if (!asked) return;
    answerTimes.push({ call: asked.call, ms: performance.now() - asked.at });
    this.#asked.set(key, null);
  }

  #deliver(message: object): void {
    if (this.#world === undefined || this.page.isClosed()) return;
    const functionDeclaration = `(message) => globalThis['${DELIVER}'](message)`;
    const args = [{ value: message }];
    this.#session
      .send('Runtime.callFunctionOn', { functionDeclaration, arguments: args, executionContextId: this.#world })
      .catch(() => undefined);
  }

  #closePorts(): void {
    this.#world = undefined;
    const open = [...this.#ports.values()];
    this.#ports.clear();
    for (const port of open) port.close();
  }
}

export class BrowserWindow extends EventEmitter {
  static readonly #all = new Set<BrowserWindow>();
  readonly webContents = new WebContents();
  readonly options: WindowOptions;
  readonly state = { visible: false, minimized: false, maximized: false, fullScreen: false, progress: -1 };
  readonly #opened: Promise<void>;
  #destroyed = false;

  constructor(options: WindowOptions = {}) {
    super();
    this.options = options;
    this.state.visible = options.show !== false;
    BrowserWindow.#all.add(this);
    this.#opened = this.webContents.open(options.webPreferences ?? {});
  }

  static getAllWindows(): BrowserWindow[] {
    return [...BrowserWindow.#all];
  }

  async loadURL(url: string): Promise<void> {
    await this.#opened;
    const { width = 800, height = 600 } = this.options;
    await this.webContents.page.setViewportSize({ width, height });
    await this.webContents.load(url);
    this.emit('ready-to-show');
  }

  close(): void {
    const event = cancelable();
    this.emit('close', event);
    if (!event.defaultPrevented) this.destroy();
  }

  destroy(): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    BrowserWindow.#all.delete(this);
    closing.push(this.#opened.then(() => this.webContents.page.close()).catch(() => undefined));
    this.emit('closed');
    if (BrowserWindow.#all.size === 0) windowEvents.emit('all-closed');
  }

  isDestroyed = (): boolean => this.#destroyed;
  show = (): void => void Object.assign(this.state, { visible: true });
  hide = (): void => void Object.assign(this.state, { visible: false });
  focus = (): void => this.show();
  minimize = (): void => void Object.assign(this.state, { minimized: true });
  restore = (): void => void Object.assign(this.state, { minimized: false });
  maximize = (): void => void Object.assign(this.state, { maximized: true });
  isMinimized = (): boolean => this.state.minimized;
  isMaximized = (): boolean => this.state.maximized;
  isFullScreen = (): boolean => this.state.fullScreen;
  setFullScreen = (fullScreen: boolean): void => void Object.assign(this.state, { fullScreen });
  setProgressBar = (progress: number): void => void Object.assign(this.state, { progress });

  getNormalBounds(): { x: number; y: number; width: number; height: number } {
    const { x = 0, y = 0, width = 800, height = 600 } = this.options;
    return { x, y, width, height };
  }
}

export const windowEvents = new EventEmitter();
/** Closing pages; the app exits after them. */
export const closing: Promise<void>[] = [];
