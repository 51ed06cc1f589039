/** Bytes that come in pieces of any size, taken in pieces of the size that is needed. */

export class ByteStream {
  private readonly pieces: AsyncGenerator<Uint8Array>;
  /** Not yet taken. */
  private left: Uint8Array = new Uint8Array(0);

  constructor(pieces: AsyncGenerator<Uint8Array>) {
    this.pieces = pieces;
  }

  /** A copy of the next `count` bytes. Throws RangeError where the stream ends before them. */
  async take(count: number): Promise<Uint8Array<ArrayBuffer>> {
    const taken = new Uint8Array(count);
    for (let done = 0; done < count;) {
      const piece = await this.next(count - done);
      taken.set(piece, done);
      done += piece.length;
    }
    return taken;
  }

  /** Throws RangeError where the stream ends before them. */
  async skip(count: number): Promise<void> {
    for (let done = 0; done < count;) done += (await this.next(count - done)).length;
  }

  /** Everything that is left. Throws RangeError beyond `limitBytes`. */
  async rest(limitBytes: number): Promise<Buffer> {
    const all = [this.left];
    let bytes = this.left.length;
    for await (const piece of this.pieces) {
      all.push(piece);
      bytes += piece.length;
      if (bytes > limitBytes) throw new RangeError(`it holds more than ${limitBytes} bytes`);
    }
    return Buffer.concat(all);
  }

  async close(): Promise<void> {
    await this.pieces.return(undefined);
  }

  /** One to `most` bytes. */
  private async next(most: number): Promise<Uint8Array> {
    while (this.left.length === 0) {
      const { value, done } = await this.pieces.next();
      if (done) throw new RangeError('its data ends too early');
      this.left = value;
    }
    const piece = this.left.subarray(0, most);
    this.left = this.left.subarray(piece.length);
    return piece;
  }
}
