/**
 * Who may talk to the Node host: loopback names only (so that no other site's name can be pointed at it), the page's
 * own origin, and the token of this start. Pure checks; the server decides what to do with the answer.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { SUBPROTOCOL } from '../handshake.ts';

const LOOPBACK_NAMES = new Set(['127.0.0.1', 'localhost', '[::1]']);

export interface Refusal {
  readonly status: 401 | 403 | 503;
  readonly message: string;
}

export function newToken(): string {
  return randomBytes(32).toString('base64url');
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text, 'utf8').digest();
}

/** Constant-time comparison: reveals neither the length nor the first difference. */
export function tokensEqual(a: string, b: string): boolean {
  return timingSafeEqual(digest(a), digest(b));
}

/** Any port is accepted: `ssh -L` may forward from another one. */
export function checkHost(host: string | undefined): Refusal | null {
  const name = host?.replace(/:\d{1,5}$/, '').toLowerCase();
  if (name !== undefined && LOOPBACK_NAMES.has(name)) return null;
  return {
    status: 403,
    message: `This server answers only to 127.0.0.1 and localhost, not to "${host ?? ''}". For another machine use ssh -L.`,
  };
}

/** A browser names the origin of the page that asks; it must be that of this server. */
export function checkOrigin(origin: string | undefined, host: string | undefined): Refusal | null {
  if (origin === `http://${host ?? ''}`) return null;
  return { status: 403, message: `Only the page of this server may connect, not one from "${origin ?? 'no origin'}".` };
}

/** Subprotocols are `nextvec` and the token, in this order. */
export function checkToken(offered: string | undefined, token: string): Refusal | null {
  const [name, given] = (offered ?? '').split(',').map((word) => word.trim());
  if (name === SUBPROTOCOL && given !== undefined && tokensEqual(given, token)) return null;
  return {
    status: 401,
    message: 'Wrong or missing token. Open the full address that "nextvec serve" printed, including what follows #.',
  };
}

/** All checks of a WebSocket upgrade, the first refusal or null. */
export function checkUpgrade(headers: IncomingHttpHeaders, token: string): Refusal | null {
  return (
    checkHost(headers.host) ??
    checkOrigin(headers.origin, headers.host) ??
    checkToken(headers['sec-websocket-protocol'], token)
  );
}
