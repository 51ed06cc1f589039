/** Made by scripts/help-pages.ts when the app is built. */
declare module 'virtual:help' {
  export interface HelpEntry {
    readonly name: string;
    readonly title: string;
    readonly sections: readonly { readonly id: string; readonly title: string }[];
  }
  export const pages: readonly HelpEntry[];
  /** HTML of a page, by its name. */
  export const loaders: Readonly<Record<string, () => Promise<{ readonly default: string }>>>;
}
