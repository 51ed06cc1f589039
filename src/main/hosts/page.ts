/**
 * The built page as both hosts serve it: a file for a path, and its security headers.
 * Not here: transport and access control.
 */
import { readFile } from 'node:fs/promises';
import { extname, join, normalize, sep } from 'node:path';

export interface PageAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array<ArrayBuffer>;
}

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.wasm': 'application/wasm',
};

/** `socketOrigins`: WebSocket origins the page may open, e.g. "ws://127.0.0.1:4100". */
export function contentSecurityPolicy(socketOrigins: readonly string[] = []): string {
  return [
    "default-src 'none'",
    "script-src 'self' 'wasm-unsafe-eval'",
    // Chart and popover libraries set positions through style attributes; scripts get no such exception.
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "font-src 'self'",
    ["connect-src 'self'", ...socketOrigins].join(' '),
    "worker-src 'self'",
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

/** On every answer, errors included. COOP and COEP give the page cross-origin isolation. */
export function securityHeaders(socketOrigins: readonly string[] = []): Record<string, string> {
  return {
    'Content-Security-Policy': contentSecurityPolicy(socketOrigins),
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Embedder-Policy': 'require-corp',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Permissions-Policy': 'camera=(), microphone=(), geolocation=(), payment=(), usb=(), serial=(), hid=()',
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
    'X-Frame-Options': 'DENY',
  };
}

function plain(status: number, text: string, headers: Record<string, string>): PageAnswer {
  const body = new Uint8Array(Buffer.from(text, 'utf8'));
  return { status, headers: { ...headers, 'Content-Type': 'text/plain; charset=utf-8' }, body };
}

/** File below `dir` that a URL path names; a path without an extension is a route of the page and gives index.html. */
function fileFor(dir: string, urlPath: string): string | null {
  let path: string;
  try {
    path = decodeURIComponent(urlPath);
  } catch {
    return null;
  }
  if (path.includes('\0')) return null;
  const file = normalize(join(dir, extname(path) === '' ? 'index.html' : path));
  return file.startsWith(normalize(dir) + sep) ? file : null;
}

/** Answers GET and HEAD of one URL path from the built page in `dir`. */
export async function answerPage(
  dir: string,
  method: string,
  urlPath: string,
  headers: Record<string, string>,
): Promise<PageAnswer> {
  if (method !== 'GET' && method !== 'HEAD')
    return plain(405, 'Only GET and HEAD.\n', { ...headers, Allow: 'GET, HEAD' });
  const file = fileFor(dir, urlPath);
  if (file === null) return plain(400, 'This path is not part of the page.\n', headers);
  let body: Uint8Array<ArrayBuffer>;
  try {
    body = new Uint8Array(await readFile(file));
  } catch {
    return plain(404, `There is no ${urlPath} in the built page.\n`, headers);
  }
  // Names under assets/ carry a hash of their content.
  const cache = urlPath.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-store';
  const type = CONTENT_TYPES[extname(file).toLowerCase()] ?? 'application/octet-stream';
  const answered = { ...headers, 'Content-Type': type, 'Cache-Control': cache, 'Content-Length': String(body.length) };
  return { status: 200, headers: answered, body: method === 'HEAD' ? new Uint8Array() : body };
}
