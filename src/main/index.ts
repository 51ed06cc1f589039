/** Entry of the Electron app. */
import { startElectronHost } from './hosts/electron/app.ts';

startElectronHost();
