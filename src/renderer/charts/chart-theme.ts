/** CSS variables as plain values for the canvas, read once per theme. */
import { COLOUR_TOKENS, type ColourToken } from './series-style.ts';

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

const known = new Map<string, ChartTheme>();

/** The current theme of :root. Cached per theme, since reading forces a style recalculation. */
export function chartTheme(): ChartTheme {
  const root = document.documentElement;
  const name = root.dataset.theme ?? '';
  const theme = known.get(name) ?? readTheme(root);
  known.set(name, theme);
  return theme;
}

function readTheme(root: Element): ChartTheme {
  const style = getComputedStyle(root);
  const value = (name: string) => style.getPropertyValue(name).trim();
  // Read in one go: the computed style object is live.
  const colours = new Map<ColourToken, string>(COLOUR_TOKENS.map((token) => [token, value(token)]));
  return {
    font: `11px ${value('--font') || 'system-ui, sans-serif'}`,
    text: value('--text'),
    text2: value('--text-2'),
    text3: value('--text-3'),
    grid: value('--chart-grid'),
    axis: value('--hairline-strong'),
    panel: value('--bg-panel'),
    tones: { good: value('--good'), warn: value('--warn'), bad: value('--bad') },
    colour: (token) => colours.get(token) ?? '',
  };
}
