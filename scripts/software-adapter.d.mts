/** Lets processes that start from now on find an adapter; without effect where there is one or none can be had. */
export function provideAdapter(): Promise<void>;
