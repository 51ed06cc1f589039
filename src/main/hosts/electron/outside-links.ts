/** Links that lead out of the app, as notes may have them: opened by the system, once the person has seen the address. */
import { dialog, shell, type BrowserWindow } from 'electron';

const OUTSIDE: ReadonlySet<string> = new Set(['http:', 'https:', 'mailto:']);

/** Does nothing for an address that no browser or mail program opens. Asks first: the page must not open one by itself. */
export async function openOutside(window: BrowserWindow, url: string): Promise<void> {
  if (!URL.canParse(url) || !OUTSIDE.has(new URL(url).protocol)) return;
  const { response } = await dialog.showMessageBox(window, {
    type: 'question',
    message: 'Open this link outside Nextvec?',
    detail: url,
    buttons: ['Open', 'Cancel'],
    defaultId: 0,
    cancelId: 1,
  });
  if (response === 0) await shell.openExternal(url);
}
