/** Damages a JSON value in its structure: one to three nodes replaced, removed, doubled or given a strange key. */
import { Random } from '#engine/random.ts';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

function strangeValue(random: Random): Json {
  const values: readonly Json[] = [
    null,
    true,
    0,
    -1,
    0.5,
    1e308,
    Number.MAX_SAFE_INTEGER + 2,
    -2147483649,
    '',
    'NaN',
    '\u0000',
    '../../../../etc/passwd',
    'x'.repeat(70_000),
    '\ud800',
    [],
    {},
    [[[[[[]]]]]],
    { toString: 1, constructor: null },
    Array.from({ length: 3000 }, (_, i) => i),
  ];
  return values[random.integer(values.length)];
}

interface Place {
  readonly parent: Json[] | { [key: string]: Json };
  readonly key: string;
}

function placesIn(value: Json, places: Place[] = []): Place[] {
  if (typeof value !== 'object' || value === null) return places;
  for (const key of Object.keys(value)) {
    places.push({ parent: value, key });
    placesIn((value as { [key: string]: Json })[key], places);
  }
  return places;
}

function damageOne(value: Json, random: Random): void {
  const places = placesIn(value);
  if (places.length === 0) return;
  const { parent, key } = places[random.integer(places.length)];
  const node = parent as { [key: string]: Json };
  switch (random.integer(6)) {
    case 0:
      if (Array.isArray(parent)) parent.splice(Number(key), 1);
      else delete node[key];
      return;
    case 1: {
      const other = places[random.integer(places.length)];
      node[key] = structuredClone((other.parent as { [key: string]: Json })[other.key]);
      return;
    }
    case 2:
      if (Array.isArray(parent)) return;
      Object.defineProperty(parent, ['__proto__', 'constructor', 'length ', 'x'][random.integer(4)], {
        value: strangeValue(random),
        enumerable: true,
        configurable: true,
        writable: true,
      });
      return;
    default:
      node[key] = strangeValue(random);
  }
}

/** A damaged copy; the same seed gives the same damage. */
export function mutateJson(original: unknown, seed: number): unknown {
  const random = new Random(seed * 40503 + 7);
  const holder = [structuredClone(original) as Json];
  const edits = 1 + random.integer(3);
  for (let i = 0; i < edits; i++) damageOne(holder, random);
  return holder[0] ?? null;
}
