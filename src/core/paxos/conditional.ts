/** Conditional requests on one key, and what a round comes to for each of them. */
import type { Dot } from '../causality/dot.ts';
import type { KeyRecord, RememberedWrite, SiblingContent } from '../causality/record.ts';
import type { Ballot } from './ballot.ts';

export type Condition =
  /** `If-Match`: the key's ETag is one of these. Never holds where nothing was ever written. */
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
  };
}

/** A linearizable read: the round proposes what it finds. */
export interface IdentityRead {
  readonly type: 'read';
}

export type Conditional = ConditionalWrite | IdentityRead;

/** What is answered to one request once the round's object is known to be chosen. */
export type Verdict =
  /** `created`: nothing was live before. The record has this write as its only sibling. */
  | { readonly type: 'written'; readonly dot: Dot; readonly record: KeyRecord; readonly created: boolean }
  /** An earlier attempt of this write was chosen: its own success, whatever has come after it. */
  | { readonly type: 'repeated'; readonly write: RememberedWrite; readonly record: KeyRecord }
  /** 412, and what is there instead. */
  | { readonly type: 'precondition-failed'; readonly record: KeyRecord | undefined }
  | { readonly type: 'read'; readonly record: KeyRecord | undefined }
  /** The id names another request: 422. */
  | { readonly type: 'reused' }
  /** An attempt may have been chosen and forgotten since: unknown, and never 412. */
  | { readonly type: 'expired' }
  /** Its condition may hold after this round: it belongs into the next one. */
  | { readonly type: 'deferred' };
