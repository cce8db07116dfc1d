/** Conditional requests on one key, and what a round comes to for each of them. */
import type { Dot } from '../causality/dot.ts';
import type { KeyRecord, RememberedWrite, SiblingContent } from '../causality/record.ts';
import type { Ballot } from './ballot.ts';

export type Condition =
  /** `If-Match`: the key's ETag is one of these. A deletion has one, too; nothing that was never written has. */
  | { readonly type: 'if-match'; readonly etags: ReadonlySet<string> }
  /** `If-None-Match: *`: nothing is live. */
  | { readonly type: 'if-absent' };

export interface ConditionalWrite {
  readonly type: 'write';
  readonly condition: Condition;
  /** A tombstone for a DELETE: it has a dot of its own, or one ETag would stand for two contents. */
  readonly content: SiblingContent;
  readonly identity: {
    /** The client's write id, or one that was drawn for this request. */
    readonly id: string;
    /** Digest (16 hex digits) of content and condition. */
    readonly requestDigest: string;
    /** Whether it is certain that no ACCEPT of this id was ever sent. */
    readonly firstAttempt: boolean;
    /** No ACCEPT of this id was sent under a ballot below this one; undefined: nothing is known of that. */
    readonly notBefore: Ballot | undefined;
    /** Whether another coordinator may be trying it, too: then it is refused for good when it fails. */
    readonly mayBeElsewhere: boolean;
    /** Since when it waits, by the time of the ballot that it is proposed under: milliseconds since 1970. */
    readonly takenAtMs: number;
    /** The newest time of a round that was known of the key when it came, milliseconds since 1970: later rounds have none below. */
    readonly knownMs: number;
  };
}

/** A linearizable read: the round proposes what it finds. */
export interface IdentityRead {
  readonly type: 'read';
}

/**
 * Asks what became of the write of an id, and settles it: if nothing did so far, nothing ever will, for the id is refused
 * from then on.
 */
export interface Settlement {
  readonly type: 'settle';
  readonly writeId: string;
}

export type Conditional = ConditionalWrite | IdentityRead | Settlement;

/**
 * Whether an ACCEPT of the request may have been sent before. Then that its condition does not hold is no answer yet, even if a
 * read proves it: what was accepted somewhere may be taken up later, unless a round has chosen something above it.
 */
export function mayBeSent(request: Conditional): boolean {
  return request.type === 'write' && !request.identity.firstAttempt;
}

/** What is answered to one request once the round's object is known to be chosen. */
export type Verdict =
  /** `created`: nothing was live before. The record has this write as its only sibling. */
  | { readonly type: 'written'; readonly dot: Dot; readonly record: KeyRecord; readonly created: boolean }
  /** An earlier attempt of this write was chosen: its own success, whatever has come after it. */
  | { readonly type: 'repeated'; readonly write: RememberedWrite; readonly record: KeyRecord }
  /** 412, and what is there instead. */
  | { readonly type: 'precondition-failed'; readonly record: KeyRecord | undefined }
  /** As 412, but for an earlier attempt: its condition may hold by now, and yet nothing is written. */
  | { readonly type: 'refused'; readonly record: KeyRecord | undefined }
  | { readonly type: 'read'; readonly record: KeyRecord | undefined }
  /** The id names another request: 422. */
  | { readonly type: 'reused' }
  /** `write` undefined: it has never taken place, and never will. */
  | {
      readonly type: 'settled';
      readonly write: RememberedWrite | undefined;
      readonly record: KeyRecord | undefined;
    }
  /** An attempt may have been chosen, or refused, and forgotten since: of a retry unknown, and never 412. */
  | { readonly type: 'expired' }
  /** Its condition may hold after this round: it belongs into the next one. */
  | { readonly type: 'deferred' };
