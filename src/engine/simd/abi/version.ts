/// <reference path="./types.d.ts" />
/**
 * Names the interface between TypeScript and the kernels: a hash of all other declarations of this folder. The .wasm
 * exports it and is refused when it differs. `npm run build:kernels` writes it here when a declaration has changed.
 */
export const KERNEL_ABI: i32 = 0x58c7e4a8;
