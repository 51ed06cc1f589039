/** Finds a key that an object of a JSON text has twice. JSON.parse silently keeps the last of them. */

/** A text, or one of the characters that give JSON its structure. */
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],]/gs;
/** Deeper objects are not looked at: no header needs them. */
const MAX_DEPTH = 4;

/** `text` must be valid JSON. null: every key is there once in its object. */
export function repeatedKey(text: string): string | null {
  /** Keys of each open object; null for a list. */
  const open: (Set<string> | null)[] = [];
  let expectsKey = false;
  for (const [token] of text.matchAll(TOKEN)) {
    if (token === '{' || token === '[') open.push(token === '{' && open.length < MAX_DEPTH ? new Set() : null);
    else if (token === '}' || token === ']') open.pop();
    const keys = open.at(-1) ?? null;
    if (token.startsWith('"')) {
      if (!expectsKey || keys === null) continue;
      const key = String(JSON.parse(token));
      if (keys.has(key)) return key;
      keys.add(key);
    }
    expectsKey = (token === '{' || token === ',') && keys !== null;
  }
  return null;
}
