/** A causal context as fields: actors sorted bytewise, each with its vector entry (0 for none) and its ranges. */
import { actorsOf, type CausalContext, contextFrom } from '../core/causality/causal-context.ts';
import { isActorId } from '../core/causality/dot.ts';
import type { ActorId } from '../core/ids.ts';
import { type FieldReader, FormatError } from './packer.ts';

/** Flat: actor, vector entry, ranges, actor, ... */
export function contextToFields(context: CausalContext): readonly unknown[] {
  const actors = context.cloud.size === 0 ? [...context.vector.keys()] : [...actorsOf(context)];
  if (actors.length > 1) actors.sort();
  const fields: unknown[] = [];
  for (const actor of actors) {
    fields.push(actor, context.vector.get(actor) ?? 0, context.cloud.get(actor) ?? []);
  }
  return fields;
}

/** Throws FormatError. */
export function contextFromFields(fields: FieldReader): CausalContext {
  const context = contextFrom(
    fields.each((reader) => [readActor(reader), reader.integer(0), readRanges(reader.fields())] as const),
  );
  if (context === undefined) throw new FormatError('the causal context is not well formed');
  return context;
}

/** Throws FormatError. */
export function readActor(fields: FieldReader): ActorId {
  const text = fields.string(40);
  if (!isActorId(text)) throw new FormatError('not an actor id');
  return text;
}

function readRanges(fields: FieldReader): number[] {
  return fields.each((reader) => reader.integer(1));
}
