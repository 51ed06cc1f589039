/** Functions only a desktop host has; a missing one is not available on this host. */
import type { FilePurpose, Settings } from '#shared/contract/app.ts';

export interface NativeHooks {
  /** The system's open dialog for a file of this purpose; null when the dialog was cancelled. */
  chooseFile?(purpose: FilePurpose): Promise<string | null>;
  /** Shows a folder in the system's file manager. */
  revealFolder?(path: string): Promise<void>;
  /** Draws the page of the window, laid out for paper. */
  drawPdf?(): Promise<void>;
  /** Saves what was drawn; the path, or null when the save dialog was cancelled. */
  savePdf?(name: string): Promise<string | null>;
  /** After each change of settings, by a page or by the host itself. */
  settingsChanged?(settings: Settings): void;
}
