/** Drawing surfaces of charts with one interface: a canvas (screen, PNG) and SVG text. */
import { escapeXml } from '#shared/domain/text-escapes.ts';

/** Of a canvas in the page, or of one that is drawn off screen. */
type Context2D = CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D;

/** Implemented by both contexts and Path2D. */
export interface Pen {
  moveTo(x: number, y: number): void;
  lineTo(x: number, y: number): void;
  closePath(): void;
}

export interface StrokeStyle {
  readonly colour: string;
  readonly width: number;
  readonly dash?: readonly number[];
  readonly alpha?: number;
  /** The line has about one point a pixel. */
  readonly rough?: boolean;
}

export interface TextStyle {
  readonly colour: string;
  readonly font: string;
  readonly align?: 'left' | 'right' | 'center';
  readonly weight?: 'normal' | 'bold';
  /** Colour of an outline that keeps the text readable over lines. */
  readonly halo?: string;
}

export interface Rect {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Surface {
  /** Whether areas of about one point a pixel are faster to fill as columns than as an outline. */
  readonly prefersColumns: boolean;
  stroke(trace: (pen: Pen) => void, style: StrokeStyle): void;
  fill(trace: (pen: Pen) => void, colour: string, alpha: number): void;
  dot(x: number, y: number, radius: number, colour: string): void;
  /** `y` is the baseline. */
  text(text: string, x: number, y: number, style: TextStyle): void;
  rect(rect: Rect, colour: string): void;
  /**
   * Fills many rectangles of one colour; x and width are whole pixels. A canvas draws them as one path of hairlines,
   * which is one draw call.
   */
  rects(
    each: (add: (x: number, y: number, width: number, height: number) => void) => void,
    colour: string,
    alpha: number,
  ): void;
  clipped(rect: Rect, draw: () => void): void;
}

export class CanvasSurface implements Surface {
  readonly prefersColumns = true;
  readonly #context: Context2D;

  constructor(context: Context2D) {
    this.#context = context;
  }

  stroke(trace: (pen: Pen) => void, { colour, width, dash = [], alpha = 1, rough = false }: StrokeStyle): void {
    const c = this.#context;
    // Without a GPU a wide line of many points takes a hundred times as long as parallel hairlines.
    // Enough to leave no gap: each covers a pixel, and neighbours overlap by at least an eighth of one.
    const hairlines = rough && width > 1 ? Math.ceil(width + 0.125) : 1;
    c.strokeStyle = colour;
    c.lineWidth = hairlines > 1 ? 1 : width;
    c.lineJoin = 'round';
    c.setLineDash([...dash]);
    c.globalAlpha = alpha;
    if (hairlines > 1) this.#strokeBeside(trace, hairlines, width - 1);
    else {
      c.beginPath();
      trace(c);
      c.stroke();
    }
    c.globalAlpha = 1;
    c.setLineDash([]);
  }

  /**
   * Draws the line `count` times across `spread` pixels from one Path2D, since building a path costs more than drawing
   * it.
   */
  #strokeBeside(trace: (pen: Pen) => void, count: number, spread: number): void {
    const c = this.#context;
    const path = new Path2D();
    trace(path);
    for (let i = 0; i < count; i++) {
      const offset = (i / (count - 1) - 0.5) * spread;
      c.translate(0, offset);
      c.stroke(path);
      c.translate(0, -offset);
    }
  }

  rects(each: Parameters<Surface['rects']>[0], colour: string, alpha: number): void {
    const c = this.#context;
    c.beginPath();
    each((x, y, width, height) => {
      for (let column = x + 0.5; column < x + width; column++) {
        c.moveTo(column, y);
        c.lineTo(column, y + height);
      }
    });
    c.strokeStyle = colour;
    c.lineWidth = 1;
    c.globalAlpha = alpha;
    c.stroke();
    c.globalAlpha = 1;
  }

  fill(trace: (pen: Pen) => void, colour: string, alpha: number): void {
    const c = this.#context;
    c.fillStyle = colour;
    c.globalAlpha = alpha;
    c.beginPath();
    trace(c);
    c.fill();
    c.globalAlpha = 1;
  }

  dot(x: number, y: number, radius: number, colour: string): void {
    const c = this.#context;
    c.fillStyle = colour;
    c.beginPath();
    c.arc(x, y, radius, 0, 2 * Math.PI);
    c.fill();
  }

  text(text: string, x: number, y: number, { colour, font, align = 'left', weight = 'normal', halo }: TextStyle): void {
    const c = this.#context;
    c.font = weight === 'bold' ? `600 ${font}` : font;
    c.textAlign = align;
    c.textBaseline = 'alphabetic';
    if (halo !== undefined) {
      c.strokeStyle = halo;
      c.lineWidth = 3;
      c.lineJoin = 'round';
      c.strokeText(text, x, y);
    }
    c.fillStyle = colour;
    c.fillText(text, x, y);
  }

  rect({ x, y, width, height }: Rect, colour: string): void {
    this.#context.fillStyle = colour;
    this.#context.fillRect(x, y, width, height);
  }

  clipped({ x, y, width, height }: Rect, draw: () => void): void {
    const c = this.#context;
    c.save();
    c.beginPath();
    c.rect(x, y, width, height);
    c.clip();
    draw();
    c.restore();
  }
}

const short = (value: number) => String(Math.round(value * 100) / 100);

class SvgPen implements Pen {
  readonly parts: string[] = [];

  moveTo(x: number, y: number): void {
    this.parts.push(`M${short(x)} ${short(y)}`);
  }

  lineTo(x: number, y: number): void {
    this.parts.push(`L${short(x)} ${short(y)}`);
  }

  closePath(): void {
    this.parts.push('Z');
  }
}

export class SvgSurface implements Surface {
  readonly prefersColumns = false;
  readonly #parts: string[] = [];
  #clips = 0;

  stroke(trace: (pen: Pen) => void, { colour, width, dash = [], alpha = 1 }: StrokeStyle): void {
    const dashes = dash.length > 0 ? ` stroke-dasharray="${dash.join(' ')}"` : '';
    this.#path(
      trace,
      `fill="none" stroke="${escapeXml(colour)}" stroke-width="${width}" stroke-opacity="${alpha}"${dashes}`,
    );
  }

  fill(trace: (pen: Pen) => void, colour: string, alpha: number): void {
    this.#path(trace, `fill="${escapeXml(colour)}" fill-opacity="${alpha}"`);
  }

  dot(x: number, y: number, radius: number, colour: string): void {
    this.#parts.push(`<circle cx="${short(x)}" cy="${short(y)}" r="${radius}" fill="${escapeXml(colour)}"/>`);
  }

  text(text: string, x: number, y: number, { colour, font, align = 'left', weight = 'normal', halo }: TextStyle): void {
    const [size, ...family] = font.split(' ');
    const anchor = { left: 'start', right: 'end', center: 'middle' }[align];
    const outline = halo === undefined ? '' : ` stroke="${escapeXml(halo)}" stroke-width="3" paint-order="stroke"`;
    this.#parts.push(
      `<text x="${short(x)}" y="${short(y)}" font-size="${size}" font-family="${escapeXml(family.join(' '))}" ` +
        `font-weight="${weight}" text-anchor="${anchor}" fill="${escapeXml(colour)}"${outline}>${escapeXml(text)}</text>`,
    );
  }

  rect({ x, y, width, height }: Rect, colour: string): void {
    this.#parts.push(`<rect x="${x}" y="${y}" width="${width}" height="${height}" fill="${escapeXml(colour)}"/>`);
  }

  clipped({ x, y, width, height }: Rect, draw: () => void): void {
    this.#clips += 1;
    const id = `clip${this.#clips}`;
    this.#parts.push(
      `<clipPath id="${id}"><rect x="${x}" y="${y}" width="${width}" height="${height}"/></clipPath>`,
      `<g clip-path="url(#${id})">`,
    );
    draw();
    this.#parts.push('</g>');
  }

  rects(each: Parameters<Surface['rects']>[0], colour: string, alpha: number): void {
    this.fill(
      (pen) =>
        each((x, y, width, height) => {
          pen.moveTo(x, y);
          pen.lineTo(x + width, y);
          pen.lineTo(x + width, y + height);
          pen.lineTo(x, y + height);
          pen.closePath();
        }),
      colour,
      alpha,
    );
  }

  /** The SVG document. */
  document(width: number, height: number, title: string): string {
    return [
      `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`,
      `<title>${escapeXml(title)}</title>`,
      ...this.#parts,
      '</svg>',
    ].join('\n');
  }

  #path(trace: (pen: Pen) => void, attributes: string): void {
    const pen = new SvgPen();
    trace(pen);
    if (pen.parts.length > 0) this.#parts.push(`<path d="${pen.parts.join('')}" ${attributes}/>`);
  }
}
