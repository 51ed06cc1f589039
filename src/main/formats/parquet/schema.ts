/** The columns of a Parquet schema that can be read: one value a row, or one list of floats a row. */
import type { SchemaElement, SchemaTree } from 'hyparquet';
import { parquetSchema } from 'hyparquet/src/metadata.js';
import { LIST_OF_LISTS, type Reading } from '../columns/table.ts';

/** What the values of a column are decoded to. */
export type ValueKind = Extract<Reading, 'floats' | 'integers' | 'texts'>;

export interface LeafColumn {
  readonly name: string;
  /** Names of the schema elements from the root to the values. */
  readonly path: readonly string[];
  readonly element: SchemaElement;
  /** null: not read. */
  readonly kind: ValueKind | null;
  readonly isList: boolean;
  readonly label: string;
  readonly maxRepetition: number;
  readonly maxDefinition: number;
}

/** In the order of the file; columns with the name of an earlier one are left out. */
export function leafColumns(schema: SchemaElement[]): LeafColumn[] {
  const leaves = new Map<string, LeafColumn>();
  const visit = (node: SchemaTree, nodes: readonly SchemaElement[]): void => {
    for (const child of node.children) {
      const path = [...nodes, child.element];
      if (child.children.length > 0) visit(child, path);
      else {
        const leaf = leafColumn(path);
        if (!leaves.has(leaf.name)) leaves.set(leaf.name, leaf);
      }
    }
  };
  visit(parquetSchema({ schema }), []);
  return [...leaves.values()];
}

function leafColumn(nodes: readonly SchemaElement[]): LeafColumn {
  const element = nodes[nodes.length - 1];
  const path = nodes.map(({ name }) => name);
  const repeated = nodes.findIndex(({ repetition_type: type }) => type === 'REPEATED');
  const maxRepetition = nodes.filter(({ repetition_type: type }) => type === 'REPEATED').length;
  const maxDefinition = nodes.filter(({ repetition_type: type }) => type !== 'REQUIRED').length;
  const isList = maxRepetition === 1;
  // A list is a group with one repeated group: the names of those say nothing.
  const isListOfLists = maxRepetition === 2 && repeated > 0 && isListGroup(nodes[repeated - 1]);
  const isAnnotated = (isList || isListOfLists) && repeated > 0 && isListGroup(nodes[repeated - 1]);
  const name = path.slice(0, isList || isListOfLists ? repeated + (isAnnotated ? 0 : 1) : undefined).join('.');
  const type = valueType(element);
  const isNested = maxRepetition > 1 || (isList && nodes.length - repeated > 2);
  const kind = isNested || (isList && type?.kind !== 'floats') ? null : (type?.kind ?? null);
  const label = isListOfLists
    ? LIST_OF_LISTS
    : `${isList ? 'list of ' : ''}${isNested ? 'nested values' : (type?.label ?? element.type ?? 'values').toLowerCase()}`;
  // One float a row is no vector, but may be a number.
  const single = kind === 'floats' && !isList ? 'integers' : kind;
  return { name, path, element, kind: single, isList, label, maxRepetition, maxDefinition };
}

function isListGroup({ converted_type: converted, logical_type: logical }: SchemaElement): boolean {
  return converted === 'LIST' || logical?.type === 'LIST';
}

function valueType({ type, type_length: length, converted_type: converted, logical_type: logical }: SchemaElement): {
  readonly kind: ValueKind;
  readonly label: string;
} | null {
  const isDecimal = converted === 'DECIMAL' || logical?.type === 'DECIMAL';
  switch (type) {
    case 'FLOAT':
      return { kind: 'floats', label: 'float32' };
    case 'DOUBLE':
      return { kind: 'floats', label: 'float64' };
    case 'FIXED_LEN_BYTE_ARRAY':
      return logical?.type === 'FLOAT16' && length === 2 ? { kind: 'floats', label: 'float16' } : null;
    case 'INT32':
      return isDecimal ? null : { kind: 'integers', label: 'int32' };
    case 'INT64':
      return isDecimal ? null : { kind: 'integers', label: 'int64' };
    case 'BYTE_ARRAY':
      return isDecimal ? null : { kind: 'texts', label: 'text' };
    default:
      return null;
  }
}
