/** Fields of a run's summary by their path ("recipe.epochs"), as the contract declares them. */
import { z } from 'zod';
import { RunSummarySchema } from '#shared/contract/runs.ts';

export const RUN_FIELDS: readonly string[] = Object.keys(RunSummarySchema.shape);

export interface RunField {
  readonly isNumber: boolean;
  /** All values it can have; null: any number or text. */
  readonly values: readonly string[] | null;
}

/** null: runs have no such field. */
export function runField(path: string): RunField | null {
  let schemas: z.core.$ZodType[] = [RunSummarySchema];
  for (const key of path.split('.')) schemas = schemas.flatMap(alternatives).flatMap((schema) => members(schema, key));
  const leaves = schemas
    .flatMap(alternatives)
    .filter((schema) => !(schema instanceof z.ZodObject || schema instanceof z.ZodRecord));
  if (leaves.length === 0) return null;
  const listed = leaves.map(listedValues);
  return {
    isNumber: leaves.some((leaf) => leaf instanceof z.ZodNumber),
    values: listed.includes(null) ? null : listed.flatMap((values) => values ?? []),
  };
}

/** The schemas inside nullable, default and union wrappers. */
function alternatives(schema: z.core.$ZodType): z.core.$ZodType[] {
  if (schema instanceof z.ZodNullable || schema instanceof z.ZodOptional || schema instanceof z.ZodDefault)
    return [...alternatives(schema.unwrap()), ...(schema instanceof z.ZodNullable ? [z.null()] : [])];
  // A discriminated union is a union, too.
  return schema instanceof z.ZodUnion ? schema.options.flatMap(alternatives) : [schema];
}

function members(schema: z.core.$ZodType, key: string): z.core.$ZodType[] {
  if (schema instanceof z.ZodRecord) return [schema.valueType];
  if (!(schema instanceof z.ZodObject)) return [];
  const { shape, catchall } = schema.def;
  if (Object.hasOwn(shape, key)) return [shape[key]];
  // λ of a term that only a newer version knows.
  return catchall instanceof z.ZodUnknown ? [catchall] : [];
}

function listedValues(schema: z.core.$ZodType): string[] | null {
  if (schema instanceof z.ZodEnum) return schema.options.map(String);
  if (schema instanceof z.ZodLiteral) return [...schema.values].map(String);
  if (schema instanceof z.ZodNull) return ['null'];
  return schema instanceof z.ZodBoolean ? ['true', 'false'] : null;
}
