/** Desktop-only features on the stand-in: sandboxed window, menu, dock, notifications, dialog on closing. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { accessibilityProblems } from './support/axe.ts';
import { openChromium, type TestBrowser } from './support/chromium.ts';
import { openElectronHost, type StandIn } from './support/electron-host.ts';
import type { TestHost } from './support/host.ts';
import { chooseSimd, goTo, retrainOnSample, waitForStatus } from './support/steps.ts';

let chromium: TestBrowser;
let host: TestHost;
let app: StandIn;
beforeAll(async () => {
  chromium = await openChromium();
  host = await openElectronHost(chromium);
  if (host.standIn === null) throw new Error('The desktop host has a stand-in.');
  app = host.standIn;
  await host.page.getByRole('heading', { level: 1, name: 'Runs' }).waitFor();
});
afterAll(async () => {
  await host.close();
  await chromium.close();
});

describe('the sandboxed window', () => {
  it('is sandboxed, isolated and without Node', async () => {
    const [{ webPreferences }] = await app.call('windows');
    expect(webPreferences).toMatchObject({
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      webSecurity: true,
      webviewTag: false,
      spellcheck: false,
    });
    expect(await app.call('records', 'sandboxEnabled')).toEqual([true]);
    const inPage = await host.page.evaluate(() => ['require', 'process', 'module'].filter((name) => name in window));
    expect(inPage).toEqual([]);
  });

  it('exposes only a message port to the page', async () => {
    const names = await host.page.evaluate(() => Object.keys(window).filter((name) => name.startsWith('nextvec')));
    expect(names.toSorted()).toEqual(['nextvecHost', 'nextvecPathOf']);
  });

  it('registers its scheme as standard and secure before the app is ready', async () => {
    const [schemes] = await app.call('records', 'schemes');
    expect(schemes).toEqual([
      { scheme: 'app', privileges: expect.objectContaining({ standard: true, secure: true }) as object },
    ]);
  });

  it('denies every permission except writing text to the clipboard', async () => {
    for (const name of ['geolocation', 'media', 'notifications', 'clipboard-read', 'openExternal'])
      expect(await app.call('permission', name)).toEqual({ requested: false, checked: false });
    expect(await app.call('permission', 'clipboard-sanitized-write')).toEqual({ requested: true, checked: true });
  });

  it('blocks navigation to other origins', async () => {
    await host.page.waitForURL(/#\/runs$/);
    const before = host.page.url();
    // The stand-in answers a prevented navigation with 204, "no content".
    const answered = host.page.waitForResponse('https://evil.example/');
    await host.page.evaluate(() => {
      location.href = 'https://evil.example/';
    });
    expect((await answered).status()).toBe(204);
    expect(host.page.url()).toBe(before);
  });

  it('blocks new windows, and asks before it opens a link outside', async () => {
    await app.call('answerDialog', 1);
    await host.page.evaluate(() => window.open('https://evil.example/'));
    await expect
      .poll(() => app.call('records', 'dialog'))
      .toMatchObject([{ options: { detail: 'https://evil.example/', buttons: ['Open', 'Cancel'] } }]);
    expect(await app.call('records', 'openExternal')).toEqual([]);
    await expect
      .poll(
        () =>
          chromium.browser
            .contexts()[0]
            .pages()
            .filter((page) => page.url().includes('evil')).length,
      )
      .toBe(0);
    expect(await app.call('windows')).toHaveLength(1);
  });

  it('blocks requests to other hosts', async () => {
    const outcome = await host.page.evaluate(() =>
      fetch('https://evil.example/', { mode: 'no-cors' }).then(
        () => 'sent',
        () => 'refused',
      ),
    );
    expect(outcome).toBe('refused');
    expect((await app.call('requests')).escaped).toEqual([]);
  });
});

describe('the menu', () => {
  it('has the standard menus, without reload in a packaged app', async () => {
    const menus = (await app.call('menu')).map(({ label, role }) => label ?? role);
    expect(menus).toEqual(['File', 'editMenu', 'View', 'windowMenu', 'help']);
  });

  it('exports the page as PDF to the file that is chosen', async () => {
    const path = join(host.home, 'runs.pdf');
    await app.call('answerDialog', path);
    await app.call('clickMenu', ['File', 'Export Page as PDF…']);
    await host.page.getByText('Saved runs.pdf').waitFor();
    expect(readFileSync(path, 'latin1').slice(0, 5)).toBe('%PDF-');
    expect((await app.call('records', 'dialog')).at(-1)).toMatchObject({ options: { defaultPath: 'Runs.pdf' } });
    expect(await host.page.evaluate(() => document.documentElement.hasAttribute('data-printing'))).toBe(false);
  });

  it('menu items open pages and set the theme', async () => {
    await app.call('clickMenu', ['File', 'New Run']);
    await host.page.getByRole('main').getByRole('heading', { level: 1, name: 'New run' }).waitFor();
    await app.call('clickMenu', ['View', 'Theme', 'Dark']);
    await expect.poll(() => host.page.evaluate(() => document.documentElement.dataset.theme)).toBe('dark');
    expect((await app.call('records', 'theme')).at(-1)).toBe('dark');
    await app.call('clickMenu', ['View', 'Theme', 'System']);
    await app.call('clickMenu', ['View', 'Runs']);
    await host.page.getByRole('main').getByRole('heading', { level: 1, name: 'Runs' }).waitFor();
  });
});

describe('Help and About', () => {
  it('the Help menu opens the manual and the notices, which name the packages that ship', async () => {
    await app.call('clickMenu', ['help', 'Third-Party Notices']);
    const packages = host.page.getByRole('main').getByRole('listitem');
    await expect.poll(() => packages.count()).toBeGreaterThan(20);
    const names = (await packages.allTextContents()).map((text) => text.trim().split(' ')[0]);
    expect(names).toEqual(expect.arrayContaining(['better-sqlite3', 'commander', 'pinia', 'zod']));
    await app.call('clickMenu', ['help', 'Nextvec Help']);
    await host.page.getByRole('article').getByRole('heading', { name: 'Train a first model' }).waitFor();
  });

  it('follows a link to another page, and finds a section by the palette', async () => {
    await host.page.getByRole('article').getByRole('link', { name: 'What was tried' }).click();
    await host.page.getByRole('region', { name: 'Reliability' }).waitFor();
    await host.page.keyboard.press('Control+k');
    await host.page.keyboard.type('help verdicts');
    await host.page.keyboard.press('Enter');
    await host.page.waitForURL(/#\/help\/method\/verdicts$/);
    await host.page.emulateMedia({ contrast: 'more' });
    expect(await accessibilityProblems(host.page)).toEqual([]);
    await host.page.emulateMedia({ contrast: null });
  });

  it('the About panel has the version', async () => {
    const [panel] = await app.call('records', 'aboutPanel');
    expect(panel).toMatchObject({ applicationName: 'Nextvec', applicationVersion: expect.stringMatching(/^\d+\.\d+/) });
  });

  it('Settings turn the item in the menu bar on', async () => {
    await app.call('clickMenu', ['File', 'Settings…']);
    await host.page.getByRole('checkbox', { name: /Menu bar/ }).check();
    await expect.poll(() => app.call('records', 'tray')).toContainEqual({ tooltip: 'Nextvec\nNo run trains' });
    await app.call('clickMenu', ['View', 'Runs']);
  });
});

describe('during training', () => {
  it('shows progress in the dock and menu bar, and blocks sleep', async () => {
    await retrainOnSample(host.page);
    await waitForStatus(host.page, 'Running');
    await expect.poll(async () => (await app.call('windows'))[0].progress).toBeGreaterThan(0);
    const tooltip = expect.stringMatching(/^Nextvec\n#1 .*: \d+ %$/) as string;
    expect(await app.call('records', 'tray')).toContainEqual({ tooltip });
    expect((await app.call('records', 'powerSaveBlocker')).at(-1)).toMatchObject({ active: 1 });
    expect(await app.call('records', 'utilityProcess')).toHaveLength(1);
  });

  it('logs battery and thermal events of the machine', async () => {
    await app.call('power', 'on-battery', {});
    await app.call('power', 'thermal-state-change', { state: 'serious' });
    await app.call('power', 'speed-limit-change', { limit: 60 });
    const log = host.page.getByRole('log', { name: 'Log of the run' });
    await expect.poll(() => log.textContent()).toContain('slowed the processor down to 60 %');
    const text = await log.textContent();
    expect(text).toContain('The machine runs on battery now.');
    expect(text).toContain('The temperature of the machine is high');
  });

  it('continues after the machine sleeps and logs it', async () => {
    const progress = async () => (await app.call('windows'))[0].progress;
    await app.call('power', 'suspend', {});
    await app.call('power', 'resume', {});
    const log = host.page.getByRole('log', { name: 'Log of the run' });
    await expect.poll(() => log.textContent()).toContain('The machine is awake again; training goes on.');
    expect(await log.textContent()).toContain('The machine goes to sleep.');
    // Compares steps, not epochs: on a fast machine the run might end within an epoch.
    const before = await progress();
    await expect.poll(progress, { timeout: 60_000, interval: 20 }).toBeGreaterThan(before);
    expect((await app.call('records', 'powerSaveBlocker')).at(-1)).toMatchObject({ active: 1 });
  });

  it('asks before closing the window and can keep training', async () => {
    await app.call('closeWindow');
    const asked = async () => (await app.call('records', 'dialog')).at(-1);
    await expect.poll(asked).toMatchObject({
      options: { buttons: ['Keep Training', 'Pause and Quit', 'Cancel'] },
    });
    await app.call('answerDialog', 2);
    expect((await app.call('windows'))[0]).toMatchObject({ minimized: false });
    await app.call('answerDialog', 0);
    await app.call('closeWindow');
    await expect
      .poll(async () => (await app.call('windows')).map(({ minimized, visible }) => minimized || !visible))
      .toEqual([true]);
    await app.call('activate');
    expect((await app.call('windows'))[0]).toMatchObject({ minimized: false, visible: true });
  });

  it('notifies when the run ends and allows sleep again', async () => {
    await waitForStatus(host.page, 'Finished', 500_000);
    await expect.poll(async () => (await app.call('records', 'notification')).length).toBeGreaterThan(0);
    expect((await app.call('records', 'notification')).at(-1)).toMatchObject({
      title: expect.stringContaining('finished') as string,
      body: expect.stringMatching(/validation 0\.\d+/) as string,
    });
    expect((await app.call('records', 'powerSaveBlocker')).at(-1)).toMatchObject({ active: 0 });
    expect((await app.call('windows'))[0].progress).toBe(-1);
  });

  it('lists the finished run with its figures', async () => {
    const { page } = host;
    const runPage = page.url();
    await goTo(page, 'Runs');
    const row = page.getByRole('grid', { name: 'Runs' }).getByRole('row').filter({ hasText: 'Finished' });
    expect(await row.first().textContent()).toMatch(/sample.*0\.\d{3,4}/);
    await page.goto(runPage);
    await waitForStatus(page, 'Finished');
  });
});

describe('quitting', () => {
  it('pauses a live run, stores the window state and exits with 0; the next start shows the same page and offers to resume', async () => {
    await host.page.getByRole('button', { name: 'More' }).click();
    await host.page.getByRole('menuitem', { name: /New run like this/ }).click();
    await host.page.getByRole('textbox', { name: 'Epochs', exact: true }).fill('400');
    await chooseSimd(host.page);
    await host.page.getByRole('button', { name: /^Start run/ }).click();
    await waitForStatus(host.page, 'Running');
    // The power was unplugged during the previous run.
    const log = host.page.getByRole('log', { name: 'Log of the run' });
    await expect.poll(() => log.textContent()).toContain('The machine runs on battery.');
    await app.call('answerDialog', 1);
    await app.call('closeWindow');
    expect(await app.exited).toBe(0);
    expect(existsSync(join(host.home, 'browser', 'window.json'))).toBe(true);
    // Closing the last page ended this Chromium; the restart needs a new one.
    const fresh = await openChromium();
    const again = await openElectronHost(fresh, { home: host.home });
    await waitForStatus(again.page, 'Interrupted');
    await again.page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Runs' }).click();
    const row = again.page.getByRole('grid', { name: 'Runs' }).getByRole('row').nth(1);
    await row.waitFor();
    expect(await row.textContent()).toContain('Interrupted');
    await again.close();
    await fresh.close();
  });
});
