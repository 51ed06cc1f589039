import { describe, expect, it } from 'vitest';
import {
  checkHost,
  checkOrigin,
  checkToken,
  checkUpgrade,
  newToken,
  tokensEqual,
} from '../../../src/main/hosts/node/guard.ts';

describe('guard of the Node host', () => {
  it.each(['127.0.0.1:4000', 'localhost:9', 'LOCALHOST', '[::1]:80'])('accepts host %s', (host) => {
    expect(checkHost(host)).toBeNull();
  });

  it.each([undefined, '', 'evil.example:4000', '127.0.0.1.evil.example', '10.0.0.1:4000', 'localhost.evil.example:80'])(
    'refuses the name %s',
    (host) => {
      expect(checkHost(host)?.status).toBe(403);
    },
  );

  it('accepts only its own origin', () => {
    expect(checkOrigin('http://127.0.0.1:4000', '127.0.0.1:4000')).toBeNull();
    for (const origin of [undefined, 'null', 'https://127.0.0.1:4000', 'http://127.0.0.1:4001', 'http://evil.example'])
      expect(checkOrigin(origin, '127.0.0.1:4000')?.status).toBe(403);
  });

  it('requires the subprotocol and the full token', () => {
    const token = newToken();
    expect(checkToken(`nextvec, ${token}`, token)).toBeNull();
    for (const offered of [
      undefined,
      '',
      'nextvec',
      token,
      `nextvec, ${token}x`,
      `nextvec, ${token.slice(1)}`,
      `other, ${token}`,
    ])
      expect(checkToken(offered, token)?.status).toBe(401);
  });

  it('returns the first reason to refuse an upgrade', () => {
    const token = newToken();
    const right = {
      host: '127.0.0.1:4000',
      origin: 'http://127.0.0.1:4000',
      'sec-websocket-protocol': `nextvec, ${token}`,
    };
    expect(checkUpgrade(right, token)).toBeNull();
    expect(checkUpgrade({ ...right, 'sec-websocket-protocol': 'nextvec, wrong' }, token)?.status).toBe(401);
    expect(checkUpgrade({ ...right, host: 'evil.example' }, token)?.status).toBe(403);
  });

  it('makes unguessable tokens and compares tokens of any length', () => {
    expect(newToken()).not.toBe(newToken());
    expect(newToken()).toHaveLength(43);
    expect(tokensEqual('', 'a')).toBe(false);
    expect(tokensEqual('ä', 'ä')).toBe(true);
  });
});
