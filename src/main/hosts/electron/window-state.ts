/** Size, place and page of the window, kept from one start to the next in a small JSON file. */
import { readFileSync, writeFileSync } from 'node:fs';
import { type BrowserWindow, type Rectangle, screen } from 'electron';
import { z } from 'zod';

const StateSchema = z.object({
  x: z.int(),
  y: z.int(),
  width: z.int().min(640).max(20_000),
  height: z.int().min(480).max(20_000),
  maximized: z.boolean(),
  fullScreen: z.boolean(),
  /** Page in the window, as the fragment of its address. */
  page: z
    .string()
    .regex(/^#\/[\w/?=&%-]{0,200}$/)
    .catch('')
    .default(''),
});
export type WindowState = z.infer<typeof StateSchema>;

const SAVE_DELAY_MS = 400;

/** The stored state, or null when there is none, it is damaged, or its place is on no screen any more. */
export function readWindowState(path: string): WindowState | null {
  let state: WindowState;
  try {
    state = StateSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return null;
  }
  const visible = screen.getAllDisplays().some(({ workArea }) => overlap(state, workArea) > 100 * 100);
  return visible ? state : null;
}

function overlap(a: Rectangle, b: Rectangle): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  return Math.max(0, width) * Math.max(0, height);
}

function fragmentOf(url: string): string {
  return URL.canParse(url) ? new URL(url).hash : '';
}

/** Writes the state a moment after each change and when the window closes. */
export function keepWindowState(window: BrowserWindow, path: string): void {
  let timer: NodeJS.Timeout | undefined;
  const save = (): void => {
    clearTimeout(timer);
    if (window.isDestroyed()) return;
    const state: WindowState = {
      ...window.getNormalBounds(),
      maximized: window.isMaximized(),
      fullScreen: window.isFullScreen(),
      page: fragmentOf(window.webContents.getURL()),
    };
    try {
      writeFileSync(path, `${JSON.stringify(state)}\n`);
    } catch (error) {
      console.error('The window state could not be kept:', error);
    }
  };
  const later = (): void => {
    clearTimeout(timer);
    timer = setTimeout(save, SAVE_DELAY_MS);
  };
  window.on('resize', later);
  window.on('move', later);
  window.webContents.on('did-navigate-in-page', later);
  window.on('close', save);
}
