/** Texts and lists from files, cut to what an error message can carry. */

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

const MAX_ISSUES = 5;
const MAX_MESSAGE_LENGTH = 500;

/** What a schema refused, as "path: message" with a short path; the first five, and how many more there are. */
export function issueList(issues: readonly { readonly path: string; readonly message: string }[]): string {
  const shown = issues.slice(0, MAX_ISSUES).map(({ path, message }) => {
    const text = shortText(message, MAX_MESSAGE_LENGTH);
    return path === '' ? text : `${shortText(path)}: ${text}`;
  });
  const more = issues.length - shown.length;
  return [...shown, ...(more > 0 ? [`and ${more} more`] : [])].join('; ');
}
