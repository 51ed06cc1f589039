/** Whole numbers drawn from the words of the generator. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Random } from '#engine/random.ts';

test('a whole number below n is the remainder of the next word below the last multiple of n', () => {
  const n = fc.oneof(fc.integer({ min: 1, max: 2 ** 32 }), fc.integer({ min: 1, max: 1000 }), fc.constant(2 ** 31 + 1));
  fc.assert(
    fc.property(n, fc.integer({ min: 0, max: 2 ** 32 - 1 }), (n, seed) => {
      const [random, words] = [new Random(seed), new Random(seed)];
      for (let draw = 0; draw < 20; draw++) {
        let word = words.next();
        while (word >= 2 ** 32 - (2 ** 32 % n)) word = words.next();
        expect(random.integer(n)).toBe(word % n);
      }
    }),
  );
});

test('many whole numbers at once are those drawn one by one', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.integer({ min: 1, max: 2 ** 32 }), fc.integer({ min: 1, max: 1000 }), fc.constant(2 ** 31 + 1)),
      fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      (n, seed) => {
        const [random, single] = [new Random(seed), new Random(seed)];
        const drawn = new Uint32Array(20);
        random.integers(n, drawn);
        expect([...drawn]).toEqual(Array.from(drawn, () => single.integer(n)));
        expect(random.state).toEqual(single.state);
      },
    ),
  );
});
