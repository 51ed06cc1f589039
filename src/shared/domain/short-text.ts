/** Texts and lists from outside, cut to what an error message can carry. */

const MAX_LENGTH = 80;
const MAX_NAMES = 10;

export function shortText(text: string, maxLength = MAX_LENGTH): string {
  return text.length <= maxLength ? text : `${text.slice(0, maxLength - 1)}…`;
}

/** The first names, and how many more there are. */
export function nameList(names: readonly string[], maxNames = MAX_NAMES): string {
  const shown = names
    .slice(0, maxNames)
    .map((name) => shortText(name))
    .join(', ');
  return names.length > maxNames ? `${shown} and ${names.length - maxNames} more` : shown;
}

/** Long enough for most paths. */
const MAX_QUOTED = 200;
/** Longer than any path (4,096 on Linux) that a person would give. */
const MAX_MESSAGE = 5000;

function withoutMiddle(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text;
  const head = Math.ceil((maxLength - 1) / 2);
  return `${text.slice(0, head)}…${text.slice(text.length - (maxLength - 1 - head))}`;
}

/** A name, id or path as an error message quotes it: the middle of a long one is left out, since paths differ at their ends. */
export function shortQuote(text: string): string {
  return withoutMiddle(text, MAX_QUOTED);
}

/** An error message with what it quotes ("…") shortened, and of bounded length whatever it names. */
export function shortMessage(message: string): string {
  if (message.length <= MAX_QUOTED) return message;
  const quotes = message.replaceAll(/"([^"]*)"/g, (_, quoted: string) => `"${shortQuote(quoted)}"`);
  return withoutMiddle(quotes, MAX_MESSAGE);
}

const MAX_ISSUES = 5;
const MAX_ISSUE = 500;

/** What a schema refused, as "path: message" with a short path; the first five, and how many more there are. */
export function issueList(issues: readonly { readonly path: string; readonly message: string }[]): string {
  const shown = issues.slice(0, MAX_ISSUES).map(({ path, message }) => {
    const text = shortText(message, MAX_ISSUE);
    return path === '' ? text : `${shortText(path)}: ${text}`;
  });
  const more = issues.length - shown.length;
  return [...shown, ...(more > 0 ? [`and ${more} more`] : [])].join('; ');
}
