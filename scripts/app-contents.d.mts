export declare function checkContents(
  target: { readonly platform: string },
  app: { readonly paths: readonly string[]; readonly bytes: number },
): void;
