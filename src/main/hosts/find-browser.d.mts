export function onPath(name: string): string | undefined;
export function findBrowser(): Promise<string | null>;
