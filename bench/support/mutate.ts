/** Damages a file the way disks, networks and attackers do; the same seed gives the same damage. */
import { Random } from '#engine/random.ts';

const INTERESTING = [0, 1, 0x7f, 0x80, 0xff];

export function mutate(original: Uint8Array, seed: number): Uint8Array {
  const random = new Random(seed * 2654435761 + original.length);
  let bytes = Uint8Array.from(original);
  const edits = 1 + random.integer(4);
  for (let i = 0; i < edits && bytes.length > 0; i++) bytes = edit(bytes, random);
  return bytes;
}

function edit(bytes: Uint8Array<ArrayBuffer>, random: Random): Uint8Array<ArrayBuffer> {
  const at = place(bytes, random);
  switch (random.integer(8)) {
    case 0:
      bytes[at] ^= 1 << random.integer(8);
      return bytes;
    case 1:
      bytes[at] = random.integer(256);
      return bytes;
    case 2:
      bytes[at] = INTERESTING[random.integer(INTERESTING.length)];
      return bytes;
    case 3:
      return bytes.fill(INTERESTING[random.integer(INTERESTING.length)], at, at + 1 + random.integer(8));
    case 4:
      return bytes.slice(0, at);
    case 5:
      return bytes.copyWithin(at, random.integer(bytes.length), random.integer(bytes.length));
    case 6: {
      const extra = Uint8Array.from({ length: 1 + random.integer(64) }, () => random.integer(256));
      return joined(bytes.subarray(0, at), extra, bytes.subarray(at));
    }
    default: {
      const gone = 1 + random.integer(64);
      return joined(bytes.subarray(0, at), bytes.subarray(at + gone));
    }
  }
}

function joined(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.concat(parts));
}

/** Half of the time in the first or last kilobyte, where the structure of an archive is. */
function place(bytes: Uint8Array, random: Random): number {
  const edge = Math.min(1024, bytes.length);
  const choice = random.integer(4);
  if (choice === 0) return random.integer(edge);
  if (choice === 1) return bytes.length - 1 - random.integer(edge);
  return random.integer(bytes.length);
}
