/** The settings of a Gram mixture, which its file holds as tensors. */
import { z } from 'zod';
import { NextvecError } from '#shared/domain/errors.ts';
import { SETTINGS_TENSORS, settingsOf, type Mixture } from '#shared/domain/models/gram.ts';
import { elementCount } from '#shared/domain/models/shapes.ts';
import type { StoredTensor } from '../formats/torch/file.ts';

/** More than a mixture can have of any setting. */
const MOST_VALUES = 64;

/** undefined: the file holds no setting, and so no Gram mixture. Throws BAD_CHECKPOINT naming file and tensor. */
export async function readMixture(
  tensors: ReadonlyMap<string, StoredTensor>,
  file: string,
): Promise<Mixture | undefined> {
  const first = [...tensors.keys()].find((name) => /(^|\.)settings\.\w+$/.test(name));
  if (first === undefined) return undefined;
  const prefix = first.slice(0, first.lastIndexOf('settings.'));
  const values = new Map<string, Float32Array>();
  for (const name of Object.values(SETTINGS_TENSORS)) {
    const tensor = tensors.get(prefix + name);
    if (!tensor) throw badSetting(file, name, 'is missing');
    if (elementCount(tensor.shape) > MOST_VALUES) throw badSetting(file, name, `has the shape [${tensor.shape}]`);
    values.set(name, await tensor.read());
  }
  try {
    return settingsOf((name) => values.get(name)!);
  } catch (error) {
    if (!(error instanceof z.ZodError)) throw error;
    const [{ path, message }] = error.issues;
    throw badSetting(file, SETTINGS_TENSORS[path[0] as keyof Mixture], `is not usable (${message})`);
  }
}

function badSetting(file: string, name: string, why: string): NextvecError {
  return new NextvecError('BAD_CHECKPOINT', `${file} holds no Gram mixture that can be used: ${name} ${why}.`, {
    remedy: 'Export the run anew as safetensors or npz, or take an intact copy of the file.',
    details: { place: file, where: name },
  });
}
