/** The operands of pickle opcodes, read from bytes with every length checked. */
import { NextvecError } from '#shared/domain/errors.ts';
import { COST, type PickleBudget } from './budget.ts';

const UTF8 = new TextDecoder('utf-8', { ignoreBOM: true });
/** Longer integers have no use in metadata. */
const MAX_LONG_BYTES = 64;

export class PickleBytes {
  readonly length: number;
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private readonly budget: PickleBudget;
  private at = 0;

  constructor(bytes: Uint8Array, budget: PickleBudget) {
    this.bytes = bytes;
    this.length = bytes.length;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.budget = budget;
  }

  byte(): number {
    return this.bytes[this.advance(1)];
  }

  int32(): number {
    return this.view.getInt32(this.advance(4), true);
  }

  /** Little-endian unsigned of 2, 4 or 8 bytes. */
  uint(size: 2 | 4 | 8): number {
    const at = this.advance(size);
    if (size === 2) return this.view.getUint16(at, true);
    if (size === 4) return this.view.getUint32(at, true);
    return Number(this.view.getBigUint64(at, true));
  }

  float64(): number {
    return this.view.getFloat64(this.advance(8), false);
  }

  /** Two's complement, little-endian; a bigint becomes a number where that is exact. */
  long(size: number): number | bigint {
    if (size > MAX_LONG_BYTES) throw this.bad('an integer is absurdly long');
    let value = 0n;
    const bytes = this.text(size);
    for (let i = size - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]);
    return narrow(size > 0 ? BigInt.asIntN(size * 8, value) : 0n);
  }

  take(size: number): Uint8Array {
    this.budget.spend(COST.view);
    const at = this.advance(size);
    return this.bytes.subarray(at, at + size);
  }

  utf8(size: number): string {
    return UTF8.decode(this.text(size));
  }

  latin1(size: number): string {
    return Buffer.from(this.text(size)).toString('latin1');
  }

  /** Text up to the next newline, which is consumed. */
  line(): string {
    const end = this.bytes.indexOf(0x0a, this.at);
    if (end < 0) throw this.bad('a line has no end');
    const text = this.latin1(end - this.at);
    this.at = end + 1;
    return text;
  }

  /** Protocol 0 writes True and False as the integers 01 and 00. */
  intOrBool(): number | boolean {
    const start = this.at;
    const text = this.line();
    if (text === '00' || text === '01') return text === '01';
    this.at = start;
    return this.intLine();
  }

  intLine(): number {
    const text = this.line();
    const value = Number(text);
    if (!/^-?\d+$/.test(text) || !Number.isSafeInteger(value)) throw this.bad('an integer is invalid');
    return value;
  }

  longLine(): number | bigint {
    const text = this.line();
    if (!/^-?\d{1,150}L?$/.test(text)) throw this.bad('an integer is invalid');
    return narrow(BigInt(text.replace('L', '')));
  }

  floatLine(): number {
    const text = this.line();
    const value = text === 'nan' ? NaN : Number(text.replace('inf', 'Infinity'));
    if (text !== 'nan' && Number.isNaN(value)) throw this.bad('a number is invalid');
    return value;
  }

  quotedLine(): string {
    const text = this.line();
    if (!/^(['"]).*\1$/s.test(text) || text.length < 2) throw this.bad('a text has no quotes');
    return text
      .slice(1, -1)
      .replaceAll(/\\(?:x([0-9a-f]{2})|(.))/gi, (_, hex: string | undefined, c: string | undefined) =>
        hex === undefined ? unescape1(c ?? '') : String.fromCharCode(Number.parseInt(hex, 16)),
      );
  }

  unicodeLine(): string {
    return this.line().replaceAll(
      /\\u([0-9a-f]{4})|\\U([0-9a-f]{8})/gi,
      (_, short: string | undefined, long: string) => {
        const point = Number.parseInt(short ?? long, 16);
        if (point > 0x10ffff) throw this.bad('a text holds an impossible character');
        return String.fromCodePoint(point);
      },
    );
  }

  bad(why: string): NextvecError {
    return new NextvecError(
      'METADATA_REFUSED',
      `${this.budget.place}: the pickle cannot be read (byte ${this.at}): ${why}.`,
      {
        remedy: 'Write the metadata anew, or leave it out.',
      },
    );
  }

  private text(size: number): Uint8Array {
    this.budget.spend(COST.text + size);
    const at = this.advance(size);
    return this.bytes.subarray(at, at + size);
  }

  private advance(size: number): number {
    const at = this.at;
    if (size > this.length - at) throw this.bad('it ends in the middle of a value');
    this.at = at + size;
    return at;
  }
}

function unescape1(c: string): string {
  return { n: '\n', t: '\t', r: '\r' }[c] ?? c;
}

function narrow(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
