/** Colours of the map in the theme that is shown; scales run between series colours that differ in lightness too. */
import type { MapSide } from '#shared/domain/datasets/vector-map.ts';
import { themeToken } from '../../../ui/theme.ts';
import { mixColours, type MapColour } from './map-view.ts';

const STOPS: Readonly<Record<MapColour, readonly string[]>> = {
  article: ['--series-blue', '--series-green', '--series-orange', '--series-vermillion', '--series-purple'],
  error: ['--series-vermillion', '--series-orange', '--series-sky', '--series-blue'],
  split: ['--text-3', '--text-3'],
};
const SIDES: Readonly<Record<MapSide, string>> = {
  none: '--text-3',
  train: '--series-blue',
  validation: '--series-orange',
  both: '--series-vermillion',
};
/** Points without a value. */
const NO_PLACE = '--text-3';
const STEPS = 64;

export interface MapPalette {
  readonly scale: (place: number) => string;
  readonly side: (side: MapSide) => string;
  readonly ink: string;
}

export function mapPalette(colour: MapColour): MapPalette {
  const stops = STOPS[colour].map(themeToken);
  const steps = Array.from({ length: STEPS }, (_, i) => mixColours(stops, i / (STEPS - 1)));
  const none = themeToken(NO_PLACE);
  const sides = new Map(Object.entries(SIDES).map(([side, name]) => [side, themeToken(name)]));
  return {
    scale: (place) => (Number.isNaN(place) ? none : steps[Math.round(place * (STEPS - 1))]),
    side: (side) => sides.get(side) ?? none,
    ink: themeToken('--text'),
  };
}

/** The scale as a CSS gradient, for the legend; colours follow the theme by themselves. */
export function scaleGradient(colour: MapColour): string {
  return `linear-gradient(to right, ${STOPS[colour].map((name) => `var(${name})`).join(', ')})`;
}

export function sideColour(side: MapSide): string {
  return `var(${SIDES[side]})`;
}
