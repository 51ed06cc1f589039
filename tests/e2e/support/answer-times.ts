/** How long the calls of a page over its WebSocket wait for their first answer. */
import type { Page } from 'playwright-core';
import { rpcCall, rpcId } from '../../stand-in/rpc-messages.ts';

export interface AnswerTime {
  /** Procedure, e.g. "/runs/list". */
  readonly call: string;
  readonly ms: number;
}

/** Returns a list that grows with each answer. Times are by the page's clock: delivery to this process is not included. */
export async function timeAnswers(page: Page): Promise<AnswerTime[]> {
  const times: AnswerTime[] = [];
  /** By message id; null once answered. */
  const asked = new Map<string, { call: string; atSeconds: number } | null>();
  const session = await page.context().newCDPSession(page);
  session.on('Network.webSocketFrameSent', ({ timestamp, response: { payloadData } }) => {
    const id = rpcId(payloadData);
    if (id !== null && !asked.has(id)) asked.set(id, { call: rpcCall(payloadData), atSeconds: timestamp });
  });
  session.on('Network.webSocketFrameReceived', ({ timestamp, response: { payloadData } }) => {
    const id = rpcId(payloadData) ?? '';
    const call = asked.get(id);
    if (!call) return;
    times.push({ call: call.call, ms: 1000 * (timestamp - call.atSeconds) });
    asked.set(id, null);
  });
  await session.send('Network.enable');
  return times;
}
