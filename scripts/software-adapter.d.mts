/** Whether a process with this environment finds an adapter; false too where the package `webgpu` is missing. */
export function findsAdapter(env?: NodeJS.ProcessEnv): boolean;
/** Lets processes that start from now on find an adapter; without effect where there is one or none can be had. */
export function provideAdapter(): Promise<void>;
