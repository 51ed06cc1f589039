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
