/**
 * A causal context as fields: actors sorted bytewise, each with its vector entry (0 for none) and its ranges. Where Paxos dots
 * are known, their maximum comes first, after a name that no actor has.
 */
import { actorsOf, type CausalContext, contextFrom, type Ranges } from '../core/causality/causal-context.ts';
import { ballotOfActor, type Dot, isActorId, MAX_ACTOR_CHARACTERS } from '../core/causality/dot.ts';
import type { ActorId } from '../core/ids.ts';
import type { Ballot } from '../core/paxos/ballot.ts';
import { readBallot } from './ballot-fields.ts';
import { type FieldReader, FormatError } from './packer.ts';

const PAXOS = 'paxos';

/** Flat: `paxos` and a ballot if there is one, then actor, vector entry, ranges, actor, ... */
export function contextToFields(context: CausalContext): readonly unknown[] {
  const actors = context.cloud.size === 0 ? [...context.vector.keys()] : [...actorsOf(context)];
  if (actors.length > 1) actors.sort();
  const fields: unknown[] = context.ballot === undefined ? [] : [PAXOS, context.ballot];
  for (const actor of actors) {
    fields.push(actor, context.vector.get(actor) ?? 0, context.cloud.get(actor) ?? []);
  }
  return fields;
}

/** Throws FormatError. */
export function contextFromFields(fields: FieldReader): CausalContext {
  let ballot: Ballot | undefined;
  const entries: (readonly [ActorId, number, Ranges])[] = [];
  for (let first = true; fields.remaining > 0; first = false) {
    const text = fields.string(MAX_ACTOR_CHARACTERS);
    if (first && text === PAXOS) ballot = readBallot(fields);
    else entries.push([actorFrom(text), fields.integer(0), readRanges(fields.fields())]);
  }
  const context = contextFrom(entries, ballot);
  if (context === undefined) throw new FormatError('the causal context is not well formed');
  return context;
}

/** Actor, then counter. Throws FormatError. */
export function readDot(fields: FieldReader): Dot {
  const actor = actorFrom(fields.string(MAX_ACTOR_CHARACTERS));
  const isOfPaxos = ballotOfActor(actor) !== undefined;
  return { actor, counter: fields.integer(1, isOfPaxos ? 1 : undefined) };
}

function actorFrom(text: string): ActorId {
  if (!isActorId(text)) throw new FormatError('not an actor id');
  return text;
}

function readRanges(fields: FieldReader): number[] {
  return fields.each((reader) => reader.integer(1));
}
