/**
 * Test control of the stand-in over the process channel: state, menu clicks, dialog answers.
 * Requests are `{ id, request, args }`, answers `{ id, result | error }`; `tests/e2e/electron-host.ts` is the other end.
 */
import { requests } from './browser.ts';
import { answerTimes, BrowserWindow } from './window.ts';

const records: { kind: string; value: unknown }[] = [];

export function record(kind: string, value: unknown): void {
  records.push({ kind, value });
}

type DialogAnswer = string | number | null;

class Dialogs {
  readonly #answers: DialogAnswer[] = [];
  readonly #waiting: ((answer: DialogAnswer) => void)[] = [];

  /** Resolves with the next scripted answer, once there is one. */
  ask(kind: string, options: unknown): Promise<DialogAnswer> {
    record('dialog', { kind, options });
    const ready = this.#answers.shift();
    if (ready !== undefined) return Promise.resolve(ready);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  answer(value: DialogAnswer): void {
    const waiting = this.#waiting.shift();
    if (waiting) waiting(value);
    else this.#answers.push(value);
  }
}
export const dialogs = new Dialogs();

async function electron(): Promise<typeof import('./electron.ts')> {
  return import('./electron.ts');
}

async function clickMenu(path: readonly string[]): Promise<void> {
  const { menu } = await electron();
  let items = menu.template;
  for (const [depth, label] of path.entries()) {
    const item = items.find((candidate) => (candidate.label ?? candidate.role) === label);
    if (!item) throw new Error(`The menu has no ${path.slice(0, depth + 1).join(' > ')}.`);
    if (depth === path.length - 1) item.click?.();
    items = item.submenu ?? [];
  }
}

async function permission(name: string): Promise<{ requested: boolean; checked: boolean }> {
  const { permissions } = await electron();
  const requested = await new Promise<boolean>((resolve) => {
    if (permissions.request) permissions.request(null, name, resolve);
    else resolve(true);
  });
  return { requested, checked: permissions.check?.(null, name) ?? true };
}

/** Requests of a test; arguments and results are plain data. */
const API = {
  records: (kind: string) => records.filter((entry) => entry.kind === kind).map(({ value }) => value),
  windows: () =>
    BrowserWindow.getAllWindows().map(({ state, options }) => ({ ...state, webPreferences: options.webPreferences })),
  requests: () => ({ seen: requests.seen, escaped: requests.escaped }),
  answerTimes: () => answerTimes,
  clickMenu,
  permission,
  answerDialog: (value: DialogAnswer) => dialogs.answer(value),
  closeWindow: () => BrowserWindow.getAllWindows()[0]?.close(),
  menu: async () =>
    (await electron()).menu.template.map(({ label, role, submenu }) => ({ label, role, items: submenu?.length ?? 0 })),
  quit: async () => (await electron()).app.quit(),
  power: async (event: string, details: object) => (await electron()).powerMonitor.emit(event, details),
  activate: async () => (await electron()).app.emit('activate'),
};
export type StandInApi = typeof API;

export function listenForTests(): void {
  process.on('message', async ({ id, request, args }: { id: number; request: keyof StandInApi; args: never[] }) => {
    try {
      const call = API[request] as (...args: never[]) => unknown;
      process.send?.({ id, result: (await call(...args)) ?? null });
    } catch (error) {
      process.send?.({ id, error: error instanceof Error ? error.message : String(error) });
    }
  });
  // Exit with the test process.
  process.on('disconnect', () => process.exit(0));
}
