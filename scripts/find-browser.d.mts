export function findHeadlessBrowser(): Promise<string | null>;
