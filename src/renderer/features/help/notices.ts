/** Licences of the packages in the app; scripts/third-party.mjs writes the file when the app is built. */
import { z } from 'zod';

const NoticesSchema = z.array(
  z.object({ name: z.string(), version: z.string(), licence: z.string(), text: z.string() }),
);
export type Notice = z.infer<typeof NoticesSchema>[number];

export async function readNotices(signal: AbortSignal): Promise<Notice[]> {
  const answer = await fetch('./third-party.json', { signal });
  if (!answer.ok) throw new Error('The list of packages is missing: it is made by "npm run build".');
  return NoticesSchema.parse(await answer.json());
}
