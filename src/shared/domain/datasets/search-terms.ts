/** What a person writes to search in texts: words, phrases in quotes, and a last word that may be incomplete. Pure. */
export interface SearchTerm {
  /** One word, or the words of a phrase. */
  readonly text: string;
  /** It also stands for longer words that begin with it. */
  readonly isPrefix: boolean;
}

/** Empty: `words` holds no letter and no digit. */
export function searchTerms(words: string): SearchTerm[] {
  const terms = [...words.matchAll(/"([^"]*)"|([^\s"]+)/g)].map(([, phrase, word]) => phrase ?? word);
  const known = terms.filter((term) => /[\p{L}\p{N}]/u.test(term));
  const isOpen = !words.trimEnd().endsWith('"');
  return known.map((text, i) => ({ text, isPrefix: isOpen && i === known.length - 1 }));
}
