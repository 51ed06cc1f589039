/** A process that owns a storage folder until it is killed. */
import { openHome } from '../../../src/main/store/home.ts';
import { writeSettings } from '../../../src/main/store/settings.ts';

const home = openHome(process.argv[2], 'owner', 'holder');
writeSettings(home.db, { from: 'holder' });
process.send?.('held');
setInterval(() => home.path, 1000);
