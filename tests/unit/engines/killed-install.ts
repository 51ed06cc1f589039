/** An installation in a process of its own, to be killed. */
import { installTensorflow } from '../../../src/main/engines/install.ts';

const { plan, engines, address } = JSON.parse(process.argv[2]);
await installTensorflow({
  plan,
  engines,
  from: [],
  addresses: { index: `${address}/simple`, registry: `${address}/npm` },
  verify: async () => undefined,
});
