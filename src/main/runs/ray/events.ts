/**
 * What a job's trainer says, as lines of a file in the shared folder: the events of `contract/trainer.ts` in order, each on
 * disk before a checkpoint that comes after it. The first line is `hello`; the last, if the job could end by itself, the
 * event `finished` or `error`. A job that was killed may leave half a line.
 */
import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { z } from 'zod';
import { TrainerEventSchema } from '#shared/contract/trainer.ts';
import { ERROR_CODES } from '#shared/domain/errors.ts';
import { fromTypedJson, toTypedJson } from './typed-json.ts';

export const JobEventSchema = z.discriminatedUnion('type', [
  ...TrainerEventSchema.options,
  z.object({
    type: z.literal('hello'),
    /** Clock of the machine that trains, Unix time in ms. */
    at: z.number(),
    machine: z.string(),
  }),
  z.object({
    type: z.literal('error'),
    error: z.object({ code: z.enum(ERROR_CODES), message: z.string(), remedy: z.string().optional() }),
  }),
]);
export type JobEvent = z.infer<typeof JobEventSchema>;

export function eventLine(event: JobEvent): string {
  return `${toTypedJson(event)}\n`;
}

function readLine(line: string): JobEvent {
  return JobEventSchema.parse(fromTypedJson(line));
}

/** Appends events; what is not flushed is in memory. */
export class EventsWriter {
  private readonly file: FileHandle;
  private pending: string[] = [];
  private writing: Promise<void> = Promise.resolve();

  private constructor(file: FileHandle) {
    this.file = file;
  }

  static async open(path: string): Promise<EventsWriter> {
    return new EventsWriter(await open(path, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT));
  }

  add(event: JobEvent): void {
    this.pending.push(eventLine(event));
  }

  /** Everything added so far is on disk when it resolves. */
  flush(): Promise<void> {
    this.writing = this.writing.then(() => this.write());
    return this.writing;
  }

  private async write(): Promise<void> {
    if (this.pending.length === 0) return;
    const text = this.pending.join('');
    this.pending = [];
    await this.file.appendFile(text);
    await this.file.sync();
  }

  async close(): Promise<void> {
    await this.flush();
    await this.file.close();
  }
}

const CHUNK_BYTES = 1 << 20;
const NEWLINE = 0x0a;

export interface PlacedEvent {
  readonly event: JobEvent;
  /** Bytes of the file up to its end. */
  readonly end: number;
}

/** The events from byte `from` on that are there now, whole lines only. No file: none. */
export async function* readEvents(path: string, from: number): AsyncGenerator<PlacedEvent> {
  // Opened anew each time: a network file system shows what others have written when a file is opened.
  const file = await open(path).catch(() => null);
  if (file === null) return;
  try {
    let end = from;
    let rest = Buffer.alloc(0);
    for (let at = from; ;) {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(CHUNK_BYTES), 0, CHUNK_BYTES, at);
      if (bytesRead === 0) return;
      at += bytesRead;
      rest = Buffer.concat([rest, buffer.subarray(0, bytesRead)]);
      for (let stop = rest.indexOf(NEWLINE); stop >= 0; stop = rest.indexOf(NEWLINE)) {
        end += stop + 1;
        yield { event: readLine(rest.subarray(0, stop).toString('utf8')), end };
        rest = rest.subarray(stop + 1);
      }
    }
  } finally {
    await file.close();
  }
}

/** Whether there are events from byte `from` on. */
export async function hasEvents(path: string, from: number): Promise<boolean> {
  for await (const _ of readEvents(path, from)) return true;
  return false;
}
