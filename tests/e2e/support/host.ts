/** What an end-to-end test has of a running Nextvec, whichever host it runs on. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConsoleMessage, Page } from 'playwright-core';
import type { StandIn } from './electron-host.ts';

export interface TestHost {
  readonly name: 'node' | 'electron';
  readonly page: Page;
  readonly home: string;
  /** Origin of the page. */
  readonly origin: string;
  /** Errors and uncaught exceptions of the page's console. */
  readonly problems: string[];
  /** Every URL the page asked for. */
  requests(): Promise<string[]>;
  /** How long each of the page's calls waited for its first answer. */
  answerTimes(): Promise<{ call: string; ms: number }[]>;
  /** Gives `path` to the import that the person starts with "Import…". */
  importFile(path: string): Promise<void>;
  /** What it tells of runs to whoever looks elsewhere: notices on the page, or the system's. */
  notices(): Promise<string[]>;
  /** Gives `path` to the chooser that the person has just opened. */
  chooseFile(path: string): Promise<void>;
  readonly standIn: StandIn | null;
  close(): Promise<void>;
}

export function temporaryHome(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'nextvec-e2e-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }) };
}

/** Collects console errors and exceptions; the list grows as they come. */
export function watchConsole(page: Page): string[] {
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(error.stack ?? error.message));
  page.on('console', (message: ConsoleMessage) => {
    if (message.type() === 'error') problems.push(`${message.text()} (${message.location().url})`);
  });
  return problems;
}
