/**
 * Promises that a quorum gave together with its last acceptance, by key: with one the next round of the key needs no PREPARE. In
 * buckets of mode `cas` only, where nothing but rounds changes a key.
 *
 * A grant is taken out before its ACCEPT leaves, and only what comes of that round gives another: one ballot carries one object. It is
 * kept for a moment only. It is there for keys that are written again and again; and its ballot, which is the time of the write
 * for people, must not be old.
 */
import { GRANT_LIFETIME_MS, MAX_GRANT_BYTES } from '../../core/limits.ts';
import type { Voters } from '../../core/paxos/messages.ts';
import type { Grant } from '../../core/paxos/round.ts';

interface KeptGrant {
  readonly grant: Grant;
  /** By the monotonic clock, milliseconds. */
  readonly keptAtMs: number;
}

export class Grants {
  /** The oldest first. */
  readonly #kept = new Map<string, KeptGrant>();
  readonly #capacity: number;

  /** `capacity`: of how many keys it keeps the grant. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** `name`: of the key. */
  keep(name: string, grant: Grant, nowMs: number): void {
    this.#kept.delete(name);
    this.#dropOld(nowMs);
    if (bytesOf(grant) <= MAX_GRANT_BYTES) this.#kept.set(name, { grant, keptAtMs: nowMs });
  }

  /** The grant of a key, which is nobody's any more; undefined if there is none, or if others vote by now. */
  take(name: string, voters: Voters, nowMs: number): Grant | undefined {
    const kept = this.#kept.get(name);
    this.#kept.delete(name);
    if (kept === undefined || nowMs - kept.keptAtMs > GRANT_LIFETIME_MS) return undefined;
    return kept.grant.voters === voters ? kept.grant : undefined;
  }

  drop(name: string): void {
    this.#kept.delete(name);
  }

  #dropOld(nowMs: number): void {
    for (const [name, { keptAtMs }] of this.#kept) {
      if (this.#kept.size < this.#capacity && nowMs - keptAtMs <= GRANT_LIFETIME_MS) return;
      this.#kept.delete(name);
    }
  }
}

function bytesOf({ object }: Grant): number {
  const contents = object?.siblings.map(({ content }) => content) ?? [];
  return contents.reduce((sum, content) => sum + (content.type === 'value' ? content.bytes.length : 0), 0);
}
