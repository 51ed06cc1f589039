/** The page of the window as a PDF file. It is drawn first, while the page is laid out for paper, and saved after. */
import { dialog, type BrowserWindow } from 'electron';
import { NextvecError } from '#shared/domain/errors.ts';
import { checkTarget, writeTarget } from '../../formats/files/output-file.ts';

export class PagePdf {
  #drawn: Uint8Array | null = null;

  async draw({ webContents }: BrowserWindow): Promise<void> {
    this.#drawn = await webContents.printToPDF({ preferCSSPageSize: true, printBackground: true });
  }

  /** The path of the file; null: the save dialog was cancelled. `name`: of the file, without its extension. */
  async save(window: BrowserWindow, name: string): Promise<string | null> {
    const pdf = this.#drawn;
    if (pdf === null)
      throw new NextvecError('CONFLICT', 'No page was drawn as PDF.', { remedy: 'Export the page again.' });
    this.#drawn = null;
    const { canceled, filePath } = await dialog.showSaveDialog(window, {
      title: 'Export page as PDF',
      defaultPath: `${fileName(name)}.pdf`,
      filters: [{ name: 'PDF', extensions: ['pdf'] }],
    });
    if (canceled || filePath === '') return null;
    await writeTarget(await checkTarget(filePath), pdf);
    return filePath;
  }
}

/** Without what some system does not allow in the name of a file. */
function fileName(name: string): string {
  return name.replaceAll(/[^\p{L}\p{N} ._+-]+/gu, ' ').trim() || 'Nextvec';
}
