/** JSON from which typed arrays are read back as such, for files in the shared folder. */
import { StandardRPCJsonSerializer, type StandardRPCJsonSerializedMetaItem } from '@orpc/client/standard';
import { z } from 'zod';
import { TYPED_ARRAY_SERIALIZERS } from '#shared/contract/serializers.ts';

const PairSchema = z.tuple([z.unknown(), z.array(z.unknown())]);

const serializer = new StandardRPCJsonSerializer({ customJsonSerializers: TYPED_ARRAY_SERIALIZERS });

/** One line. */
export function toTypedJson(value: unknown): string {
  const [json, meta] = serializer.serialize(value);
  return JSON.stringify([json, meta]);
}

export function fromTypedJson(text: string): unknown {
  const [json, meta] = PairSchema.parse(JSON.parse(text));
  return serializer.deserialize(json, meta as StandardRPCJsonSerializedMetaItem[]);
}
