import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { csvText, escapeControls, escapeLine, escapeXml } from '#shared/domain/text-escapes.ts';

/** Any UTF-16 text, control characters and halves of surrogate pairs as often as letters. */
const anyText = fc
  .array(fc.oneof(fc.integer({ min: 0, max: 0xa0 }), fc.integer({ min: 0, max: 0xffff })), { maxLength: 20 })
  .map((units) => String.fromCharCode(...units));

describe('escapeControls', () => {
  it('writes control characters as JSON does and leaves all else', () => {
    expect(escapeControls('a\u001b[31mred\u0007 \u009b2J \u202e ok\n\tß 🙂')).toBe(
      'a\\u001b[31mred\\u0007 \\u009b2J \\u202e ok\n\tß 🙂',
    );
  });

  it('leaves no control character but tab and line feed, and nothing to escape twice', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const escaped = escapeControls(text);
        expect(escaped.replaceAll(/[\t\n]/g, '')).not.toMatch(/\p{Cc}|\p{Cs}/u);
        expect(escapeControls(escaped)).toBe(escaped);
      }),
    );
  });

  it('escapeLine also escapes tab and line feed', () => {
    expect(escapeLine('a\nb\tc\rd')).toBe('a\\nb\\tc\\u000dd');
  });
});

it('escapeXml gives text that XML 1.0 allows', () => {
  expect(escapeXml('<a b="c">&\u0001')).toBe('&lt;a b=&quot;c&quot;&gt;&amp;\\u0001');
  fc.assert(
    fc.property(anyText, (text) => {
      expect(escapeXml(text)).toMatch(/^[\t\n\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]*$/u);
    }),
  );
});

describe('csvText', () => {
  it.each([
    ['=1+1', "'=1+1"],
    ['+1', "'+1"],
    ['-1', "'-1"],
    ['@SUM(A1)', "'@SUM(A1)"],
    ['\t=1', "'\t=1"],
    ['=a,b', `"'=a,b"`],
    ['say "x"', '"say ""x"""'],
    ['plain-1', 'plain-1'],
  ])('%j becomes %j', (text, cell) => {
    expect(csvText(text)).toBe(cell);
  });
});
