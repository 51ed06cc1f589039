/** Must be imported before anything that validates: the page's CSP forbids eval, so zod may not compile its parsers. */
import { z } from 'zod';

z.config({ jitless: true });
