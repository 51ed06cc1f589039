/**
 * The item in the menu bar (macOS) or system tray with the progress of the live runs; off unless Settings turn it on.
 * Its icon is a template image on macOS, which also shows the share beside it; elsewhere the share is in the tooltip.
 */
import { join } from 'node:path';
import { Menu, Tray, type MenuItemConstructorOptions } from 'electron';
import type { RunSummary } from '#shared/contract/runs.ts';
import { percent } from '#shared/domain/figures.ts';
import { meanProgress } from '#shared/domain/runs/progress.ts';

type LiveRun = Pick<RunSummary, 'number' | 'name' | 'step' | 'totalSteps'>;

export interface MenuBarOptions {
  /** Folder of the icons. */
  readonly iconsDir: string;
  /** Brings the window forward. */
  readonly showWindow: () => void;
  readonly mac?: boolean;
}

/** "42 %" of all runs together; empty before a run knows its steps. */
function shareOf(runs: readonly LiveRun[]): string {
  const share = runs.length === 0 ? null : meanProgress(runs);
  return share === null ? '' : percent(share);
}

function lineOf(run: LiveRun): string {
  return [`#${run.number} ${run.name}`, shareOf([run])].filter(Boolean).join(': ');
}

export class MenuBarItem {
  readonly #options: MenuBarOptions;
  readonly #mac: boolean;
  #tray: Tray | null = null;
  #runs: readonly LiveRun[] = [];
  #shown = '';

  constructor(options: MenuBarOptions) {
    this.#options = options;
    this.#mac = options.mac ?? process.platform === 'darwin';
  }

  setOn(isOn: boolean): void {
    if (isOn === (this.#tray !== null)) return;
    this.#tray?.destroy();
    const icon = this.#mac ? 'menuBarTemplate.png' : 'tray.png';
    this.#tray = isOn ? new Tray(join(this.#options.iconsDir, icon)) : null;
    this.#shown = '';
    this.setRuns(this.#runs);
  }

  /** Called for each change of a live run; the system is asked only when a word changes. */
  setRuns(runs: readonly LiveRun[]): void {
    this.#runs = runs;
    const lines = runs.length === 0 ? ['No run trains'] : runs.map(lineOf);
    if (this.#tray === null || lines.join('\n') === this.#shown) return;
    this.#shown = lines.join('\n');
    const items = lines.map((label): MenuItemConstructorOptions => ({ label, enabled: false }));
    const show = { label: 'Show Nextvec', click: () => this.#options.showWindow() };
    this.#tray.setToolTip(`Nextvec\n${this.#shown}`);
    this.#tray.setContextMenu(Menu.buildFromTemplate([...items, { type: 'separator' }, show]));
    if (this.#mac) this.#tray.setTitle(shareOf(runs));
  }
}
