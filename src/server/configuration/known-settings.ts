/** The names in the schema as data: which keys an object may have, and every setting with the type of its value. */
import type { z } from 'zod';
import type { SettingPath } from './problem.ts';
import { fileSchema } from './schema.ts';

type Schema = z.ZodType;

/** How the value of a setting is written as text: lists with commas, tokens as `access:token`. */
export type SettingKind = 'text' | 'number' | 'boolean' | 'list' | 'tokens';

/** One value that the file may hold. */
export interface KnownSetting {
  readonly path: SettingPath;
  readonly kind: SettingKind;
}

/** The keys that the object at a path may have; none if no object belongs there. */
export function knownKeys(path: SettingPath): readonly string[] {
  let schema: Schema | undefined = fileSchema;
  for (const segment of path) schema = schema === undefined ? undefined : memberSchema(schema, segment);
  const definition = schema === undefined ? undefined : definitionOf(schema);
  return definition?.type === 'object' ? Object.keys(definition.shape) : [];
}

/** Settings outside of nodes and buckets, in the order of the schema. */
export const PLAIN_SETTINGS: readonly KnownSetting[] = settingsBelow(fileSchema, []);

/** Settings of the node at an index. Its id is not one: it is what the others are found by. */
export function settingsOfNode(index: number): readonly KnownSetting[] {
  const path = ['nodes', index];
  return settingsOf(path).filter((setting) => setting.path.at(-1) !== 'id');
}

/** Settings of one declared bucket. */
export function settingsOfBucket(bucket: string): readonly KnownSetting[] {
  return settingsOf(['buckets', bucket]);
}

function settingsOf(path: SettingPath): readonly KnownSetting[] {
  let schema: Schema = fileSchema;
  for (const segment of path) schema = memberSchema(schema, segment) ?? schema;
  return settingsBelow(schema, path);
}

function settingsBelow(schema: Schema, path: SettingPath): readonly KnownSetting[] {
  const definition = definitionOf(schema);
  if (definition.type === 'object') {
    return Object.entries(definition.shape).flatMap(([key, member]) => settingsBelow(member, [...path, key]));
  }
  const kind = kindOf(definition);
  return kind === undefined ? [] : [{ path, kind }];
}

/** Undefined for `nodes` and `buckets`, which are overridden one by one. */
function kindOf(definition: Definition): SettingKind | undefined {
  switch (definition.type) {
    case 'map':
      return undefined;
    case 'array': {
      if (definition === definitionOf(fileSchema.shape.nodes)) return undefined;
      return definitionOf(definition.element).type === 'object' ? 'tokens' : 'list';
    }
    case 'number':
    case 'boolean':
      return definition.type;
    default:
      return 'text';
  }
}

function memberSchema(schema: Schema, segment: string | number): Schema | undefined {
  const definition = definitionOf(schema);
  if (definition.type === 'array') return definition.element;
  if (definition.type === 'map') return definition.valueType;
  return definition.type === 'object' ? definition.shape[segment] : undefined;
}

/** What zod says of a schema, as far as it is used above. */
type Definition =
  | { readonly type: 'object'; readonly shape: Readonly<Record<string, Schema>> }
  | { readonly type: 'array'; readonly element: Schema }
  | { readonly type: 'map'; readonly valueType: Schema }
  | { readonly type: 'number' | 'boolean' | 'string' | 'enum' };

interface OptionalDefinition {
  readonly type: 'optional';
  readonly innerType: Schema;
}

/** The definition below `optional`. */
function definitionOf(schema: Schema): Definition {
  const definition = schema.def as Definition | OptionalDefinition;
  return definition.type === 'optional' ? definitionOf(definition.innerType) : definition;
}
