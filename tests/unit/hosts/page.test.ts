import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { answerPage, contentSecurityPolicy, securityHeaders } from '../../../src/main/hosts/page.ts';
import { defaultHome } from '../../../src/main/processes/user-folders.ts';

const folder = mkdtempSync(join(tmpdir(), 'nextvec-page-'));
const dir = join(folder, 'renderer');
mkdirSync(join(dir, 'assets'), { recursive: true });
writeFileSync(join(dir, 'index.html'), '<!doctype html>');
writeFileSync(join(dir, 'assets', 'a.js'), 'export {}');
writeFileSync(join(folder, 'secret.txt'), 'secret');
afterAll(() => rmSync(folder, { recursive: true }));

const get = (path: string, method = 'GET') => answerPage(dir, method, path, securityHeaders());

describe('the page', () => {
  it('serves files with content types and security headers', async () => {
    const { status, headers } = await get('/assets/a.js');
    expect(status).toBe(200);
    expect(headers['Content-Type']).toContain('text/javascript');
    expect(headers['Cross-Origin-Opener-Policy']).toBe('same-origin');
    expect(headers['Cross-Origin-Embedder-Policy']).toBe('require-corp');
    expect(headers['X-Content-Type-Options']).toBe('nosniff');
  });

  it.each(['/', '/runs/7', '/index.html'])('serves index.html for %s', async (path) => {
    expect(Buffer.from((await get(path)).body).toString()).toBe('<!doctype html>');
  });

  it.each(['/../secret.txt', '/%2e%2e/secret.txt', '/assets/..%2f..%2fsecret.txt', '/%00.txt', '/%zz.txt'])(
    'never leaves its folder for %s',
    async (path) => {
      const { status, body } = await get(path);
      expect([400, 404]).toContain(status);
      expect(Buffer.from(body).toString()).not.toBe('secret');
    },
  );

  it('answers GET and HEAD only', async () => {
    expect((await get('/', 'POST')).status).toBe(405);
    expect((await get('/', 'HEAD')).body).toHaveLength(0);
    expect((await get('/missing.js')).status).toBe(404);
  });

  it('has a content security policy without eval or inline scripts', () => {
    const policy = new Map(
      contentSecurityPolicy(['ws://127.0.0.1:1'])
        .split('; ')
        .map((rule) => [rule.split(' ')[0], rule.split(' ').slice(1)] as const),
    );
    expect(policy.get('default-src')).toEqual(["'none'"]);
    expect(policy.get('script-src')).toEqual(["'self'", "'wasm-unsafe-eval'"]);
    expect(policy.get('connect-src')).toEqual(["'self'", 'ws://127.0.0.1:1']);
    expect(policy.get('frame-ancestors')).toEqual(["'none'"]);
  });
});

describe('the storage folder', () => {
  it('has the conventional location on each system', () => {
    expect(defaultHome('darwin', {}, '/Users/a')).toBe('/Users/a/Library/Application Support/Nextvec');
    expect(defaultHome('linux', {}, '/home/a')).toBe('/home/a/.local/share/nextvec');
    expect(defaultHome('linux', { XDG_DATA_HOME: '/data' }, '/home/a')).toBe('/data/nextvec');
    expect(defaultHome('win32', { APPDATA: '/roaming' }, '/u')).toBe('/roaming/Nextvec');
  });
});
