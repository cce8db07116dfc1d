/** Short ways to write dots, contexts and records in tests, and one text per record to compare them by. */
import { type CausalContext, contextFrom, type Ranges } from '../../../src/core/causality/causal-context.ts';
import { actorId, compareDots, type Dot, formatDot } from '../../../src/core/causality/dot.ts';
import { type NewWrite, recordOfWrite } from '../../../src/core/causality/mint.ts';
import type { KeyRecord, RememberedWrite, SiblingContent } from '../../../src/core/causality/record.ts';
import type { Incarnation } from '../../../src/core/ids.ts';

/** A well-formed incarnation whose first characters are the name (at most 21 of them). */
export function incarnation(name: string): Incarnation {
  return `${name.padEnd(21, '-')}A` as Incarnation;
}

/** `dot('a', 3)`: the third dot of epoch 1 of incarnation a. */
export function dot(name: string, counter: number, epoch = 1): Dot {
  return { actor: actorId(incarnation(name), epoch), counter };
}

/** `context({ a: [2, 5, 7] })`: of a's epoch 1 the dots 1, 2, 5, 6 and 7. */
export function context(entries: Readonly<Record<string, readonly [number, ...Ranges]>>): CausalContext {
  const built = contextFrom(
    Object.entries(entries).map(([name, [upTo, ...ranges]]) => [dot(name, 1).actor, upTo, ranges]),
  );
  if (built === undefined) throw new Error('this sample is not a context');
  return built;
}

export function value(text: string): SiblingContent {
  return { type: 'value', contentType: 'text/plain', bytes: new TextEncoder().encode(text) };
}

/** The record of one write of the text, blind and without a write id unless said otherwise. */
export function recordOf(written: Dot, text: string, more: Partial<NewWrite> = {}): KeyRecord {
  return recordOfWrite({
    dot: written,
    content: value(text),
    seen: undefined,
    writtenAtMs: 1,
    identity: undefined,
    n: 3,
    created: false,
    ...more,
  });
}

export function identity(id: string): { readonly id: string; readonly requestDigest: string } {
  return { id, requestDigest: 'd'.repeat(16) };
}

/** What a record's siblings say, in the order of the record. */
export function textsOf(record: KeyRecord | undefined): string[] {
  return (record?.siblings ?? []).map(({ content }) => textOf(content));
}

function textOf(content: SiblingContent): string {
  return content.type === 'tombstone' ? '(deleted)' : new TextDecoder().decode(content.bytes);
}

/** Everything that a record holds, as text: equal records give equal texts. */
export function describeRecord(record: KeyRecord): string {
  const siblings = record.siblings.map(
    (sibling) =>
      `${formatDot(sibling.dot)}=${textOf(sibling.content)}@${sibling.writtenAtMs}#${sibling.writeId ?? ''}`,
  );
  const writes = record.writes.map(describeWrite);
  return [siblings.join(' '), describeContext(record.context), writes.join(' '), `n${record.largestN}`].join(
    ' | ',
  );
}

function describeWrite({ id, requestDigest, writtenAtMs, dot: written }: RememberedWrite): string {
  return `${id}:${formatDot(written)}@${writtenAtMs}/${requestDigest}`;
}

export function describeContext({ vector, cloud, ballot }: CausalContext): string {
  const entries = [
    ...(ballot === undefined ? [] : [`paxos<=${ballot}`]),
    ...[...vector].map(([actor, upTo]) => `${actor}<=${upTo}`),
    ...[...cloud].map(([actor, ranges]) => `${actor}[${ranges.join(',')}]`),
  ];
  return entries.sort().join(' ');
}

/** Whether the siblings of a record are in the order that its contract asks for. */
export function isSorted(record: KeyRecord): boolean {
  return record.siblings.every((sibling, index) => {
    const previous = record.siblings[index - 1];
    return previous === undefined || compareDots(previous.dot, sibling.dot) <= 0;
  });
}
