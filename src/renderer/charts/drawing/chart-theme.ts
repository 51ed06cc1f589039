/** CSS variables as plain values for the canvas. */
import { themeToken } from '../../ui/theme.ts';
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

/** The theme that is shown. */
export function chartTheme(): ChartTheme {
  return {
    font: `11px ${themeToken('--font') || 'system-ui, sans-serif'}`,
    text: themeToken('--text'),
    text2: themeToken('--text-2'),
    text3: themeToken('--text-3'),
    grid: themeToken('--chart-grid'),
    axis: themeToken('--hairline-strong'),
    panel: themeToken('--bg-panel'),
    tones: { good: themeToken('--good'), warn: themeToken('--warn'), bad: themeToken('--bad') },
    colour: themeToken,
  };
}
