/** EngineHost without shipped resources or threads. */
import type { EngineHost } from '#engine/types.ts';

export const testHost: EngineHost = {
  hardwareThreads: 1,
  readResource: (path) => Promise.reject(new Error(`no resource ${path} in this test`)),
};
