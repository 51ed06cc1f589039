/** Export of the page as PDF: how it is laid out meanwhile, and who makes the file. */
import { expect, test, vi } from 'vitest';
import UiPage from '../../src/renderer/ui/frames/UiPage.vue';
import { useAppStore } from '../../src/renderer/stores/app-store.ts';
import { exportPdf } from '../../src/renderer/stores/export-pdf.ts';
import { setTheme } from '../../src/renderer/ui/theme.ts';
import { mountPage } from './support/page.ts';
import { client } from './support/rpc.ts';

const root = document.documentElement;
const look = () => ({ printing: root.hasAttribute('data-printing'), theme: root.dataset.theme });

async function mountDark(): Promise<void> {
  await mountPage(UiPage, { title: 'Compare' });
  setTheme('dark');
}

test('the desktop app draws the page laid out for paper in light colours, then asks where to save it', async () => {
  await mountDark();
  const drawn: unknown[] = [];
  client.app.pdf.draw.mockImplementation(async () => drawn.push(look()));
  client.app.pdf.save.mockImplementation(async () => ({ path: null }));
  await exportPdf();
  expect(drawn).toEqual([{ printing: true, theme: 'light' }]);
  expect(client.app.pdf.save).toHaveBeenCalledWith({ name: 'Compare' });
  expect(look()).toEqual({ printing: false, theme: 'dark' });
});

test('the served page opens the print dialog of the browser', async () => {
  await mountDark();
  const app = useAppStore();
  app.info = app.info && { ...app.info, host: 'node' };
  const printed: unknown[] = [];
  vi.stubGlobal('print', () => printed.push(look()));
  await exportPdf();
  expect(printed).toEqual([{ printing: true, theme: 'light' }]);
  expect(look()).toEqual({ printing: false, theme: 'dark' });
});

test('shows the page again as it was where the PDF fails', async () => {
  await mountDark();
  client.app.pdf.draw.mockRejectedValue(new Error('no printer'));
  await exportPdf();
  expect(look()).toEqual({ printing: false, theme: 'dark' });
});
