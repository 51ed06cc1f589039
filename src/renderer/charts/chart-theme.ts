/** What a canvas must know of the page's look: CSS variables as plain values, read once per theme. */
import type { ColourToken } from './series-style.ts';

export interface ChartTheme {
  readonly font: string;
  readonly text: string;
  readonly text2: string;
  readonly text3: string;
  readonly grid: string;
  readonly axis: string;
  readonly panel: string;
  readonly tones: Readonly<Record<'good' | 'warn' | 'bad', string>>;
  readonly colour: (token: ColourToken) => string;
}

/** Reads the variables as they hold for `element`. */
export function readChartTheme(element: Element): ChartTheme {
  const style = getComputedStyle(element);
  const value = (name: string) => style.getPropertyValue(name).trim();
  const colours = new Map<ColourToken, string>();
  return {
    font: `11px ${value('--font') || 'system-ui, sans-serif'}`,
    text: value('--text'),
    text2: value('--text-2'),
    text3: value('--text-3'),
    grid: value('--chart-grid'),
    axis: value('--hairline-strong'),
    panel: value('--bg-panel'),
    tones: { good: value('--good'), warn: value('--warn'), bad: value('--bad') },
    colour(token) {
      const known = colours.get(token) ?? value(token);
      colours.set(token, known);
      return known;
    },
  };
}
