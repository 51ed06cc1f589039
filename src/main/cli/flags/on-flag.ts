/** `--on` of the commands that train. */
import { NextvecError } from '#shared/domain/errors.ts';
import { ClusterAddressSchema } from '#shared/domain/runs/clusters.ts';

export const ON_FLAG = '--on <ADDRESS>';
export const ON_HELP = 'train on a Ray cluster of the settings, e.g. ray://127.0.0.1:8265 [this machine]';

/** null: this machine. */
export function readOn(word: string | undefined): string | null {
  if (word === undefined) return null;
  const parsed = ClusterAddressSchema.safeParse(word);
  if (parsed.success) return parsed.data;
  throw new NextvecError('BAD_INPUT', `--on: "${word}": ${parsed.error.issues[0].message}.`, {
    remedy: 'See the clusters there are with "nextvec clusters".',
    details: { place: '--on' },
  });
}
