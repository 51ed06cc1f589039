/** A simd thread whose first program traps: its scratch lies outside the memory. */
const RealInstance = WebAssembly.Instance;
export const OUTSIDE = 0x7ffffff0;

type Serve = (control: number, sequence: number, scratch: number) => number;

WebAssembly.Instance = function trappingInstance(module: WebAssembly.Module, imports: WebAssembly.Imports) {
  const { exports } = new RealInstance(module, imports);
  const serve = exports.serve as Serve;
  const trapping: Serve = (control, sequence) => serve(control, sequence, OUTSIDE);
  return { exports: { ...exports, serve: trapping } };
} as unknown as typeof WebAssembly.Instance;

await import('../../src/engine/simd/worker.ts');
