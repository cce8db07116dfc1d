/** What the clients of conditional writes have been shown of each key, and what they do next by it. */
import { etagOf } from '../../../src/codec/hash.ts';
import type { KeyRecord } from '../../../src/core/causality/record.ts';
import { visibleSiblings } from '../../../src/core/causality/visible-siblings.ts';
import { nameOf } from '../checkers/conditional.ts';
import { eventOf } from '../checkers/dots.ts';
import { isDead, type ObjectState, stateOf } from '../linearizability/object-history.ts';
import type { PlannedOperation } from '../plan/plan.ts';

/** A key's object as a client was shown it. */
export interface ObjectView {
  readonly state: ObjectState;
  /** Undefined if there was nothing that a client had made. */
  readonly etag: string | undefined;
  readonly events: readonly number[];
  /** What its only live sibling holds, after the name of its event. */
  readonly payload: string | undefined;
}

export type NextStep =
  | { readonly type: 'read' }
  /** `view`: what is expected; undefined: that nothing is live. */
  | { readonly type: 'write'; readonly view: ObjectView | undefined; readonly isRemoval: boolean };

interface Session {
  last: ObjectView | undefined;
  before: ObjectView | undefined;
  /** The lock that the client holds, as it wrote it. */
  held: ObjectView | undefined;
  /** States that its own creates make. */
  readonly own: Set<ObjectState>;
}

const READ: NextStep = { type: 'read' };

export class ConditionalSessions {
  readonly #sessions = new Map<string, Session>();

  /** What an operation does. A client that has not seen the key yet reads it; one that holds a lock lets it go. */
  next(operation: PlannedOperation, isLock: boolean): NextStep {
    const session = this.#of(operation);
    const { type, context } = operation;
    if (type === 'linearizable-get') return READ;
    if (isLock && session.held !== undefined) {
      const { held } = session;
      session.held = undefined;
      return { type: 'write', view: held, isRemoval: true };
    }
    if (type === 'create') {
      session.own.add(`${operation.id}`);
      return { type: 'write', view: undefined, isRemoval: false };
    }
    const view = context === 'stale' ? (session.before ?? session.last) : session.last;
    if (view === undefined) return READ;
    const isRemoval = type === 'remove';
    if (isRemoval && isDead(view.state)) return READ;
    // There is no ETag of nothing.
    return { type: 'write', view: view.etag === undefined ? undefined : view, isRemoval };
  }

  shown(operation: PlannedOperation, view: ObjectView): void {
    const session = this.#of(operation);
    // Its own create may have succeeded without an answer.
    if (session.own.has(view.state)) session.held = view;
    if (session.last?.state === view.state) return;
    session.before = session.last;
    session.last = view;
  }

  #of({ client, key }: PlannedOperation): Session {
    const name = `${client} ${key}`;
    const session = this.#sessions.get(name) ?? {
      ...{ last: undefined, before: undefined, held: undefined },
      own: new Set(),
    };
    this.#sessions.set(name, session);
    return session;
  }
}

export function viewOf(record: KeyRecord | undefined): ObjectView {
  if (record === undefined) return { state: '', etag: undefined, events: [], payload: undefined };
  const siblings = visibleSiblings(record);
  const live = siblings.flatMap(({ content }) => (content.type === 'value' ? [content.bytes] : []));
  const text = live.length === 1 ? new TextDecoder().decode(live[0]) : undefined;
  const state = stateOf(siblings.map(nameOf).filter((name) => name !== undefined));
  return {
    state,
    etag: state === '' ? undefined : etagOf(record),
    events: siblings.map(eventOf).filter((event) => event !== undefined),
    payload: text?.slice(text.indexOf(':') + 1),
  };
}
