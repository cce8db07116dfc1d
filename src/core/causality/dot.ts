/**
 * A dot names one write event: the n-th event that an actor issued for one key.
 * (Preguiça et al., "Dotted Version Vectors", 2012, section 4.)
 *
 * An actor is (incarnation, epoch). Its identity is 128 random bits drawn at every process start plus an epoch that
 * is allocated per key, so that a node which forgot a key, or was rolled back, is somebody else when it mints again.
 *
 * The dots of conditional writes are Paxos dots. All of them are of the one actor `paxos`, whose counter is a whole ballot. A
 * ballot is no number, so the dot's actor is `paxos.{ballot}` and its counter is always 1; ballots are texts in their
 * own order, so that the order of dots is theirs. A causal context knows them not one by one, but by a maximum
 * (causal-context.ts).
 */
import type { ActorId, Incarnation } from '../ids.ts';
import { type Ballot, isBallot, MAX_BALLOT_CHARACTERS } from '../paxos/ballot.ts';

export interface Dot {
  readonly actor: ActorId;
  /** 1, 2, 3, ... */
  readonly counter: number;
}

export function actorId(incarnation: Incarnation, epoch: number): ActorId {
  return `${incarnation}.${epoch.toString(36)}` as ActorId;
}

export function incarnationOf(actor: ActorId): Incarnation {
  return actor.slice(0, actor.indexOf('.')) as Incarnation;
}

/** The epoch of an actor: a non-negative safe integer. */
export function epochOf(actor: ActorId): number {
  return Number.parseInt(actor.slice(actor.indexOf('.') + 1), 36);
}

/** An incarnation has its dot further behind, so that no other actor begins like this. */
const PAXOS = 'paxos.';

/** Characters that an actor id has at most. */
export const MAX_ACTOR_CHARACTERS = PAXOS.length + MAX_BALLOT_CHARACTERS;

/** The dot of the write that is proposed under a ballot: one at most, for a ballot carries one value. */
export function paxosDot(ballot: Ballot): Dot {
  return { actor: `${PAXOS}${ballot}` as ActorId, counter: 1 };
}

/** Whether the dot is one that a round has given. */
export function isPaxosDot({ actor }: Dot): boolean {
  return actor.startsWith(PAXOS);
}

/** The ballot of a Paxos dot, given its actor; undefined of any other dot. */
export function ballotOfActor(actor: ActorId): Ballot | undefined {
  return actor.startsWith(PAXOS) ? (actor.slice(PAXOS.length) as Ballot) : undefined;
}

/** 16 bytes leave the last four bits of 22 characters unused: with them set, one incarnation would have many names. */
const ACTOR = /^[A-Za-z0-9_-]{21}[AQgw]\.(0|[1-9a-z][0-9a-z]{0,10})$/;

/** Whether a string from the wire, the disk or a token is an actor id, in the one form that an actor has. */
export function isActorId(text: string): text is ActorId {
  if (text.startsWith(PAXOS)) return isBallot(text.slice(PAXOS.length));
  return ACTOR.test(text) && Number.isSafeInteger(epochOf(text as ActorId));
}

/** Total order, bytewise by actor, then by counter. */
export function compareDots(left: Dot, right: Dot): number {
  if (left.actor !== right.actor) return left.actor < right.actor ? -1 : 1;
  return left.counter - right.counter;
}

export function sameDot(left: Dot, right: Dot): boolean {
  return left.counter === right.counter && left.actor === right.actor;
}

/** `{incarnation}.{epoch}.{counter}`, safe in a URL: the public id of a sibling. */
export function formatDot(dot: Dot): string {
  return `${dot.actor}.${dot.counter}`;
}
