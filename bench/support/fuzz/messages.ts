/**
 * Damaged messages over the real lines: a WebSocket of the Node host and a message port as Electron hands it to a page.
 * Every call's own message is damaged in its bytes or in its structure, posted, and a whole call behind it must be
 * answered. An answer that says INTERNAL is a fault of ours.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { MessageChannel } from 'node:worker_threads';
import { RPCHandler } from '@orpc/server/message-port';
import { WebSocket } from 'ws';
import { TYPED_ARRAY_SERIALIZERS } from '#shared/contract/serializers.ts';
import { servePage } from '../../../src/main/hosts/node/serve.ts';
import { RPC_PATH, SUBPROTOCOL } from '../../../src/main/hosts/handshake.ts';
import { guardedPort } from '../../../src/main/wire/guarded-port.ts';
import { mutate } from '../mutate.ts';
import { openVictim, recordedMessages, type Victim } from './calls.ts';
import { mutateJson } from './json.ts';
import { LIMIT_MS, type FuzzTarget } from './target.ts';

/** A line is closed and opened anew after so many messages, as a page is reloaded. */
const MESSAGES_A_LINE = 200;

interface Line {
  send(data: string | Uint8Array): void;
  onMessage(listener: (data: string) => void): void;
  close(): Promise<void>;
}
type OpenLine = () => Promise<Line>;

interface Answer {
  readonly i?: string;
  readonly t?: number;
  readonly p?: { readonly s?: number; readonly b?: { readonly json?: { code?: string; data?: { code?: string } } } };
}

/** What the program answered to one message, or silence. */
function outcomeOf({ p }: Answer): string {
  const status = p?.s ?? 200;
  if (status === 200) return 'accepted';
  const told = p?.b?.json;
  return told?.data?.code ?? told?.code ?? `status ${status}`;
}

/** One open line: counts a call's turn by a whole call posted behind it. */
class Conversation {
  private readonly line: Line;
  private readonly ping: string;
  private pings = 0;
  private answers: Answer[] = [];
  private answered: ((answer: Answer) => void) | null = null;
  sent = 0;

  constructor(line: Line, ping: string) {
    this.line = line;
    this.ping = ping;
    line.onMessage((data) => {
      const answer = JSON.parse(data) as Answer;
      if (answer.i === `ping-${this.pings}`) this.answered?.(answer);
      else if (answer.t === undefined) this.answers.push(answer);
    });
  }

  async say(message: string | Uint8Array): Promise<string> {
    this.answers = [];
    this.sent++;
    this.line.send(message);
    await this.callBehind();
    const outcomes = this.answers.map(outcomeOf);
    const ours = outcomes.find((outcome) => outcome === 'INTERNAL' || outcome === 'INTERNAL_SERVER_ERROR');
    if (ours !== undefined) throw new Error(`the answer is ${ours}: ${JSON.stringify(this.answers)}`);
    return outcomes[0] ?? 'dropped';
  }

  private async callBehind(): Promise<void> {
    const pong = new Promise<Answer>((resolve) => {
      this.answered = resolve;
    });
    const id = `ping-${++this.pings}`;
    this.line.send(JSON.stringify({ ...(JSON.parse(this.ping) as object), i: id }));
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`a call behind it got no answer in ${LIMIT_MS} ms`)), LIMIT_MS);
    });
    const answer = await Promise.race([pong, late]);
    clearTimeout(timer);
    if (outcomeOf(answer) !== 'accepted') throw new Error('a whole call behind it was refused');
  }

  close(): Promise<void> {
    return this.line.close();
  }
}

function damagedMessage(originals: readonly string[], seed: number): string | Uint8Array {
  const original = originals[(seed >> 1) % originals.length];
  if (seed % 2 === 1) {
    const { i: _, ...rest } = JSON.parse(original) as Record<string, unknown>;
    // One in eight damages the envelope too.
    if (seed % 16 !== 1) return JSON.stringify({ i: `m${seed}`, p: mutatedBody(rest.p, seed) });
    return JSON.stringify(mutateJson({ ...rest, i: `m${seed}` }, seed) ?? null);
  }
  const bytes = mutate(Buffer.from(original), seed);
  // Our pages send text only.
  return seed % 16 === 0 ? bytes : Buffer.from(bytes).toString('utf8');
}

function mutatedBody(payload: unknown, seed: number): unknown {
  const { b, ...rest } = payload as { b?: unknown };
  return b === undefined ? mutateJson(payload, seed) : { ...rest, b: mutateJson(b, seed) };
}

async function socketLine(victim: Victim): Promise<{ open: OpenLine; close(): Promise<void> }> {
  const server = await servePage({ nextvec: victim.nextvec, rendererDir: 'out/renderer', port: 0 });
  const token = new URL(server.url).hash.slice('#token='.length);
  const host = `127.0.0.1:${server.port}`;
  const open = (): Promise<Line> =>
    new Promise((resolve, reject) => {
      const socket = new WebSocket(`ws://${host}${RPC_PATH}`, [SUBPROTOCOL, token], { origin: `http://${host}` });
      socket.once('error', reject);
      socket.once('open', () =>
        resolve({
          send: (data) => socket.send(data),
          onMessage: (listener) => socket.on('message', (data: Buffer) => listener(data.toString('utf8'))),
          close: () =>
            new Promise((closed) => {
              socket.once('close', () => closed());
              socket.close();
            }),
        }),
      );
    });
  return { open, close: () => server.close() };
}

function portLine({ nextvec }: Victim): { open: OpenLine; close(): Promise<void> } {
  const handler = new RPCHandler(nextvec.router, { customJsonSerializers: TYPED_ARRAY_SERIALIZERS });
  const open = async (): Promise<Line> => {
    const { port1, port2 } = new MessageChannel();
    // In the shape of Electron's MessagePortMain.
    const main = guardedPort({
      on: (event, callback) => void port1.on(event as 'message', (data: unknown) => callback({ data })),
      postMessage: (message) => port1.postMessage(message),
    });
    handler.upgrade(main, { context: {} });
    return {
      send: (data) => port2.postMessage(data),
      onMessage: (listener) => void port2.on('message', listener),
      close: () =>
        new Promise((closed) => {
          port1.once('close', () => closed());
          port2.close();
        }),
    };
  };
  return { open, close: async () => undefined };
}

/** Entries below the folders runs and data sets lie in. */
function stored(home: string): string {
  return ['runs', 'datasets'].flatMap((folder) => readdirSync(join(home, folder))).join();
}

async function messages(parent: string, name: 'websocket' | 'messageport'): Promise<FuzzTarget> {
  const folder = mkdtempSync(join(parent, `nextvec-fuzz-${name}-`));
  const victim = await openVictim(folder);
  const originals = await recordedMessages(victim);
  const [ping] = originals;
  const { open, close } = name === 'websocket' ? await socketLine(victim) : portLine(victim);
  const before = stored(victim.nextvec.home);
  let talk = new Conversation(await open(), ping);
  const checkStored = async (): Promise<void> => {
    const { client, home } = victim.nextvec;
    const runs = await client.runs.list();
    if (runs.length > 1 || stored(home) !== before) throw new Error('a damaged message left something behind');
  };
  return {
    name,
    async attempt(seed) {
      if (talk.sent === MESSAGES_A_LINE) {
        await talk.close();
        await checkStored();
        talk = new Conversation(await open(), ping);
      }
      return talk.say(damagedMessage(originals, seed));
    },
    async close() {
      await talk.close();
      await checkStored();
      await close();
      await victim.nextvec.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export const webSocketMessages = (parent: string): Promise<FuzzTarget> => messages(parent, 'websocket');
export const portMessages = (parent: string): Promise<FuzzTarget> => messages(parent, 'messageport');
