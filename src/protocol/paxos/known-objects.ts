/**
 * What this node's last rounds chose, by key, or what it held itself when a request came. A key that is written again and again is
 * found as it was left, as a rule: then the acceptors need not send it, and it need not be decoded. Nothing rests on it; each round
 * asks whether it is still so.
 */
import type { EncodedRecord } from '../../codec/encoded-record.ts';
import { KNOWN_OBJECT_RECENT_MS, MAX_KNOWN_OBJECT_BYTES } from '../../core/limits.ts';

interface KnownObject {
  readonly object: EncodedRecord;
  readonly keptAtMs: number;
}

export class KnownObjects {
  /** The one that was kept longest ago first. */
  readonly #kept = new Map<string, KnownObject>();
  readonly #capacity: number;

  /** `capacity`: of how many keys it keeps the object. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** `name`: of the key. */
  get(name: string): EncodedRecord | undefined {
    return this.#kept.get(name)?.object;
  }

  /** As get, if it was kept so lately that other nodes will hardly have gone on with it. `nowMs`: by the monotonic clock. */
  recent(name: string, nowMs: number): EncodedRecord | undefined {
    const known = this.#kept.get(name);
    return known !== undefined && nowMs - known.keptAtMs < KNOWN_OBJECT_RECENT_MS ? known.object : undefined;
  }

  keep(name: string, object: EncodedRecord | undefined, nowMs: number): void {
    this.#kept.delete(name);
    if (object === undefined || object.bytes.length > MAX_KNOWN_OBJECT_BYTES) return;
    this.#kept.set(name, { object, keptAtMs: nowMs });
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= this.#capacity) return;
      this.#kept.delete(oldest);
    }
  }
}
