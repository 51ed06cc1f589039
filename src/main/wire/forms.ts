/**
 * oRPC asks of every message whether it is FormData. Node loads its web APIs for that name: 50 ms of CPU in each process and
 * thread, and no call of the contracts takes a form.
 */
export function withoutForms(): void {
  // Not by defineProperty, which would load them.
  Object.assign(globalThis, { FormData: function FormData() {} });
}
