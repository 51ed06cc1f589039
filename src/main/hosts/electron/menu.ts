/**
 * The native menu. Items of the program send a command to the page, which does what its own buttons do:
 * its names are those of `app.commands`.
 */
import { app, type MenuItemConstructorOptions } from 'electron';

export type Command =
  | 'new-run'
  | 'import'
  | 'import-run'
  | 'export-pdf'
  | 'runs'
  | 'datasets'
  | 'settings'
  | 'palette'
  | 'help'
  | 'notices'
  | 'tour'
  | 'theme-system'
  | 'theme-light'
  | 'theme-dark';

export interface MenuActions {
  send(command: Command): void;
  revealHome(): void;
  /** Opens the page with new versions in the browser; null where the build names none. Nothing else looks for one. */
  readonly openReleases: (() => void) | null;
  readonly theme: 'system' | 'light' | 'dark';
  /** Reload and developer tools; never in a shipped app. */
  readonly development: boolean;
}

const SEPARATOR: MenuItemConstructorOptions = { type: 'separator' };
const RECENT: MenuItemConstructorOptions = { role: 'recentDocuments', submenu: [{ role: 'clearRecentDocuments' }] };

export function menuTemplate(actions: MenuActions, mac = process.platform === 'darwin'): MenuItemConstructorOptions[] {
  const { send } = actions;
  const settings: MenuItemConstructorOptions = {
    label: 'Settings…',
    accelerator: 'CmdOrCtrl+,',
    click: () => send('settings'),
  };
  return [
    ...(mac ? [appMenu(settings)] : []),
    fileMenu(actions, mac, settings),
    { role: 'editMenu' },
    viewMenu(actions),
    { role: 'windowMenu' },
    {
      role: 'help',
      submenu: [
        { label: 'Nextvec Help', click: () => send('help') },
        { label: 'Commands and Shortcuts', accelerator: 'CmdOrCtrl+K', click: () => send('palette') },
        { label: 'Tour: A Retrain That Failed', click: () => send('tour') },
        { label: 'Show Storage Folder', click: () => actions.revealHome() },
        { label: 'Third-Party Notices', click: () => send('notices') },
        ...(actions.openReleases ? [{ label: 'Check for Updates…', click: actions.openReleases }] : []),
        ...(mac ? [] : [SEPARATOR, { role: 'about' } as const]),
      ],
    },
  ];
}

function appMenu(settings: MenuItemConstructorOptions): MenuItemConstructorOptions {
  const rest = ['services', 'hide', 'hideOthers', 'unhide'] as const;
  return {
    label: app.name,
    submenu: [
      { role: 'about' },
      SEPARATOR,
      settings,
      SEPARATOR,
      ...rest.map((role) => ({ role })),
      SEPARATOR,
      { role: 'quit' },
    ],
  };
}

function fileMenu(
  { send }: MenuActions,
  mac: boolean,
  settings: MenuItemConstructorOptions,
): MenuItemConstructorOptions {
  return {
    label: 'File',
    submenu: [
      { label: 'New Run', accelerator: 'CmdOrCtrl+N', click: () => send('new-run') },
      SEPARATOR,
      { label: 'Import Data Set…', accelerator: 'CmdOrCtrl+O', click: () => send('import') },
      { label: 'Import Run…', click: () => send('import-run') },
      // Elsewhere the system has no such menu.
      ...(mac ? [RECENT] : []),
      SEPARATOR,
      { label: 'Export Page as PDF…', click: () => send('export-pdf') },
      SEPARATOR,
      ...(mac ? [] : [settings, SEPARATOR]),
      mac ? { role: 'close' } : { role: 'quit' },
    ],
  };
}

function viewMenu({ send, theme, development }: MenuActions): MenuItemConstructorOptions {
  const themes = (['system', 'light', 'dark'] as const).map((name): MenuItemConstructorOptions => ({
    label: name[0].toUpperCase() + name.slice(1),
    type: 'radio',
    checked: theme === name,
    click: () => send(`theme-${name}`),
  }));
  return {
    label: 'View',
    submenu: [
      { label: 'Runs', accelerator: 'CmdOrCtrl+1', click: () => send('runs') },
      { label: 'Data Sets', accelerator: 'CmdOrCtrl+2', click: () => send('datasets') },
      SEPARATOR,
      { label: 'Theme', submenu: themes },
      SEPARATOR,
      { role: 'resetZoom' },
      { role: 'zoomIn' },
      { role: 'zoomOut' },
      SEPARATOR,
      { role: 'togglefullscreen' },
      ...(development ? ([SEPARATOR, { role: 'reload' }, { role: 'toggleDevTools' }] as const) : []),
    ],
  };
}
