/** The drawn icons: container heads, PNG entries and their sizes, as their formats state them. */
import { readFileSync } from 'node:fs';
import { crc32, inflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { ICNS_SIZES, ICO_SIZES, PNG_SIZES, SOURCE_HASH_FILE, sourceHash } from '../../../scripts/make-icons.ts';

const PNG_HEAD = '89504e470d0a1a0a';
const RGBA = 6;

/** Width of a square RGBA PNG with right checksums and as many pixels as it states; throws for another file. */
function widthOf(png: Buffer): number {
  expect(png.toString('hex', 0, 8)).toBe(PNG_HEAD);
  const data: Buffer[] = [];
  let size = { width: 0, height: 0, depth: 0, colour: 0 };
  let type = '';
  let at = 8;
  while (at < png.length) {
    const length = png.readUInt32BE(at);
    type = png.toString('latin1', at + 4, at + 8);
    const body = png.subarray(at + 8, at + 8 + length);
    expect(png.readUInt32BE(at + 8 + length)).toBe(crc32(png.subarray(at + 4, at + 8 + length)));
    if (type === 'IHDR')
      size = { width: body.readUInt32BE(0), height: body.readUInt32BE(4), depth: body[8], colour: body[9] };
    if (type === 'IDAT') data.push(body);
    at += 12 + length;
  }
  expect(type).toBe('IEND');
  expect(size).toEqual({ width: size.width, height: size.width, depth: 8, colour: RGBA });
  // Each row: one byte for its filter, four a pixel.
  expect(inflateSync(Buffer.concat(data)).length).toBe(size.width * (1 + 4 * size.width));
  return size.width;
}

it('were made from the present SVGs (else: npm run icons)', () => {
  expect(readFileSync(SOURCE_HASH_FILE, 'utf8').trim()).toBe(sourceHash());
});

it('icon.icns has a PNG of the right size for each type', () => {
  const file = readFileSync('build/icon.icns');
  expect(file.toString('latin1', 0, 4)).toBe('icns');
  expect(file.readUInt32BE(4)).toBe(file.length);
  const sizes: Record<string, number> = {};
  let at = 8;
  while (at < file.length) {
    const length = file.readUInt32BE(at + 4);
    sizes[file.toString('latin1', at, at + 4)] = widthOf(file.subarray(at + 8, at + length));
    at += length;
  }
  expect(at).toBe(file.length);
  expect(sizes).toEqual(ICNS_SIZES);
});

it('icon.ico lists each of its PNGs', () => {
  const file = readFileSync('build/icon.ico');
  expect([0, 2, 4].map((at) => file.readUInt16LE(at))).toEqual([0, 1, ICO_SIZES.length]);
  let end = 6 + 16 * ICO_SIZES.length;
  for (const [i, pixels] of ICO_SIZES.entries()) {
    const entry = file.subarray(6 + 16 * i, 22 + 16 * i);
    expect([entry[0] || 256, entry[1] || 256]).toEqual([pixels, pixels]);
    const [length, offset] = [entry.readUInt32LE(8), entry.readUInt32LE(12)];
    expect(offset).toBe(end);
    end = offset + length;
    expect(widthOf(file.subarray(offset, end))).toBe(pixels);
  }
  expect(end).toBe(file.length);
});

describe('images of one size', () => {
  it.each(PNG_SIZES)('Linux, %d pixels', (pixels) => {
    expect(widthOf(readFileSync(`build/icons/${pixels}x${pixels}.png`))).toBe(pixels);
  });

  it('menu bar, at 1x and 2x, and system tray', () => {
    expect(widthOf(readFileSync('resources/icons/menuBarTemplate.png'))).toBe(16);
    expect(widthOf(readFileSync('resources/icons/menuBarTemplate@2x.png'))).toBe(32);
    expect(widthOf(readFileSync('resources/icons/tray.png'))).toBe(32);
  });
});
