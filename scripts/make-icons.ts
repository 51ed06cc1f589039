/**
 * Draws the app icon from resources/icons/*.svg: build/icon.icns (macOS), build/icon.ico (Windows), build/icons/*.png
 * (Linux) and the menu-bar images. The drawn files are kept in the repository; run this after a change of an SVG.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = join(import.meta.dirname, '..');
const SOURCES = ['app.svg', 'small.svg', 'menu-bar.svg'].map((name) => join(ROOT, 'resources/icons', name));
const [APP, SMALL, MENU_BAR] = SOURCES;
/** Hash of the SVGs that the drawn files were made from. */
export const SOURCE_HASH_FILE = join(ROOT, 'build/icon-sources.sha256');

/** Pixels of each icns entry. The PNG types of 16 and 32 points at 1x are left out: some systems draw them wrongly. */
export const ICNS_SIZES: Readonly<Record<string, number>> = {
  ic11: 32,
  ic12: 64,
  ic07: 128,
  ic13: 256,
  ic08: 256,
  ic14: 512,
  ic09: 512,
  ic10: 1024,
};
export const ICO_SIZES = [16, 24, 32, 48, 64, 128, 256];
export const PNG_SIZES = [16, 32, 48, 64, 128, 256, 512, 1024];
/** Up to here the simpler drawing. */
const LARGEST_SMALL = 48;

export function sourceHash(): string {
  const hash = createHash('sha256');
  for (const path of SOURCES) hash.update(readFileSync(path, 'utf8').replaceAll('\r\n', '\n'));
  return hash.digest('hex');
}

/** icns: "icns", bytes of the file, then entries of type, bytes with this head, PNG; all big-endian. */
function icns(draw: (pixels: number) => Buffer): Buffer {
  const entries = Object.entries(ICNS_SIZES).flatMap(([type, pixels]) => {
    const png = draw(pixels);
    return [icnsHead(type, png.length), png];
  });
  const body = Buffer.concat(entries);
  return Buffer.concat([icnsHead('icns', body.length), body]);
}

function icnsHead(type: string, bytes: number): Buffer {
  const head = Buffer.alloc(8);
  head.write(type, 'latin1');
  head.writeUInt32BE(8 + bytes, 4);
  return head;
}

/** ico: a head of 6 bytes, 16 bytes an image, then the PNGs; little-endian, 256 pixels are written as 0. */
function ico(draw: (pixels: number) => Buffer): Buffer {
  const images = ICO_SIZES.map((pixels) => ({ pixels, png: draw(pixels) }));
  const head = Buffer.alloc(6 + 16 * images.length);
  head.writeUInt16LE(1, 2);
  head.writeUInt16LE(images.length, 4);
  let offset = head.length;
  for (const [i, { pixels, png }] of images.entries()) {
    const at = 6 + 16 * i;
    head.writeUInt8(pixels % 256, at);
    head.writeUInt8(pixels % 256, at + 1);
    head.writeUInt16LE(1, at + 4);
    head.writeUInt16LE(32, at + 6);
    head.writeUInt32LE(png.length, at + 8);
    head.writeUInt32LE(offset, at + 12);
    offset += png.length;
  }
  return Buffer.concat([head, ...images.map(({ png }) => png)]);
}

async function makeIcons(): Promise<void> {
  const { Resvg } = await import('@resvg/resvg-js');
  const draw = (svg: string, pixels: number): Buffer =>
    Buffer.from(
      new Resvg(readFileSync(svg), { fitTo: { mode: 'width', value: pixels }, font: { loadSystemFonts: false } })
        .render()
        .asPng(),
    );
  const app = (pixels: number): Buffer => draw(pixels <= LARGEST_SMALL ? SMALL : APP, pixels);
  const files: Record<string, Buffer | string> = {
    'build/icon.icns': icns(app),
    'build/icon.ico': ico(app),
    'resources/icons/menuBarTemplate.png': draw(MENU_BAR, 16),
    'resources/icons/menuBarTemplate@2x.png': draw(MENU_BAR, 32),
    'resources/icons/tray.png': draw(SMALL, 32),
    'src/renderer/public/icon.svg': readFileSync(SMALL),
  };
  for (const pixels of PNG_SIZES) files[`build/icons/${pixels}x${pixels}.png`] = app(pixels);
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(ROOT, name)), { recursive: true });
    writeFileSync(join(ROOT, name), content);
    console.log(`${name}: ${content.length} bytes`);
  }
  writeFileSync(SOURCE_HASH_FILE, `${sourceHash()}\n`);
}

if (realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) await makeIcons();
