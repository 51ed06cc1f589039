/** A running Nextvec under end-to-end test, on either host. */
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
  /** Every URL the page requested. */
  requests(): Promise<string[]>;
  /** Time from each call of the page to its first answer. */
  answerTimes(): Promise<{ call: string; ms: number }[]>;
  /** Chooses `path` in the file chooser of "Import…". */
  importFile(path: string): Promise<void>;
  /** Texts of run notices: on the page, or system notifications. */
  notices(): Promise<string[]>;
  /** Chooses `path` in the open file chooser. */
  chooseFile(path: string): Promise<void>;
  readonly standIn: StandIn | null;
  close(): Promise<void>;
}

export function temporaryHome(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'nextvec-e2e-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }) };
}

/** Collects console errors and exceptions in the returned array. */
export function watchConsole(page: Page): string[] {
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(error.stack ?? error.message));
  page.on('console', (message: ConsoleMessage) => {
    if (message.type() === 'error') problems.push(`${message.text()} (${message.location().url})`);
  });
  return problems;
}
