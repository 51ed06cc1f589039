/** The app:// scheme that serves the built page, and the rules that block every other request. */
import { protocol, session } from 'electron';
import { APP_ORIGIN } from '../handshake.ts';
import { answerPage, securityHeaders } from '../page.ts';

const SCHEME = 'app';

/** Before `ready`: Chromium fixes the list of its schemes then. */
export function registerScheme(): void {
  protocol.registerSchemesAsPrivileged([
    { scheme: SCHEME, privileges: { standard: true, secure: true, supportFetchAPI: true, codeCache: true } },
  ]);
}

export function servePageOverScheme(rendererDir: string): void {
  protocol.handle(SCHEME, async (request) => {
    const url = new URL(request.url);
    if (`${url.protocol}//${url.host}` !== APP_ORIGIN) return new Response(null, { status: 403 });
    const { status, headers, body } = await answerPage(rendererDir, request.method, url.pathname, securityHeaders());
    return new Response(body, { status, headers });
  });
}

/**
 * Refuses every request that would leave the machine, every permission a page can ask for (but writing text to the
 * clipboard, for "copy"), and every download. `devServer` is the address of `electron-vite dev`, development only.
 */
export function sealSession(devServer: string | null): void {
  const own = session.defaultSession;
  const devOrigin = devServer === null ? null : new URL(devServer).origin;
  const allowed = (url: string): boolean => {
    if (/^(app|devtools|blob|data):/.test(url)) return true;
    return devOrigin !== null && url.replace(/^ws/, 'http').startsWith(`${devOrigin}/`);
  };
  own.webRequest.onBeforeRequest((details, answer) => answer({ cancel: !allowed(details.url) }));
  own.setPermissionRequestHandler((_contents, permission, answer) =>
    answer(permission === 'clipboard-sanitized-write'),
  );
  own.setPermissionCheckHandler((_contents, permission) => permission === 'clipboard-sanitized-write');
  own.setSpellCheckerEnabled(false);
  own.on('will-download', (event, item) => {
    // Charts are saved as blobs of the page itself.
    if (!item.getURL().startsWith('blob:') && !item.getURL().startsWith('data:')) event.preventDefault();
  });
}
