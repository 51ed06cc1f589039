/** The Node host of a built checkout (`nextvec serve`) and a client of it. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createORPCClient } from '@orpc/client';
import { RPCLink } from '@orpc/client/websocket';
import { WebSocket } from 'ws';
import type { NextvecClient } from '#shared/contract/index.ts';
import { TYPED_ARRAY_SERIALIZERS } from '#shared/contract/serializers.ts';

export interface ServedHost {
  /** With the token in its fragment. */
  readonly url: string;
  readonly pid: number;
  /** Resolves when the process has ended. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

/** Starts `nextvec serve` of the checkout `root` on the storage folder `home`; `flags` are further words of the command. */
export async function serve(root: string, home: string, flags: readonly string[] = []): Promise<ServedHost> {
  const words = [join(root, 'bin', 'nextvec.mjs'), 'serve', '--json', '--home', home, ...flags];
  const child = spawn(process.execPath, words, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout.once('data', (line: Buffer) => resolve((JSON.parse(line.toString()) as { url: string }).url));
    void exited.then(() => reject(new Error(`nextvec serve of ${root} ended; is it built (npm run build)?`)));
  });
  return {
    url,
    pid: child.pid ?? 0,
    stop(signal = 'SIGINT') {
      child.kill(signal);
      return exited;
    },
  };
}

/** The client of this checkout; another version has to have the calls that are made. */
export function connect(url: string): { client: NextvecClient; close(): void } {
  const { host, origin, hash } = new URL(url);
  const token = hash.replace('#token=', '');
  const socket = new WebSocket(`ws://${host}/rpc`, ['nextvec', token], { origin });
  const link = new RPCLink({ websocket: socket, customJsonSerializers: TYPED_ARRAY_SERIALIZERS });
  return { client: createORPCClient(link), close: () => socket.close() };
}
