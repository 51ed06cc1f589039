/** Export of the page that is shown as PDF: to a file on the desktop, by the browser's print dialog elsewhere. */
import { client } from '../rpc.ts';
import { toast, toastError } from '../ui/feedback/toasts.ts';
import { withPrintLayout } from '../ui/print.ts';
import { useAppStore } from './app-store.ts';
import { baseName } from './file-picker.ts';

export async function exportPdf(): Promise<void> {
  const isDesktop = useAppStore().info?.host === 'electron';
  try {
    await withPrintLayout(() => (isDesktop ? client.app.pdf.draw() : window.print()));
    if (!isDesktop) return;
    const name = document.querySelector('[data-page-title]')?.textContent.trim() ?? '';
    const { path } = await client.app.pdf.save({ name });
    if (path !== null) toast(`Saved ${baseName(path)}`, { kind: 'good' });
  } catch (error) {
    toastError('The page was not exported', error);
  }
}
