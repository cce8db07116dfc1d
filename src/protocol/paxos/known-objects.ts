/**
 * What this node's last rounds chose, by key. A key that is written again and again is found as it was left, as a rule: then the
 * acceptors need not send it, and it need not be decoded. Nothing rests on it; each round asks whether it is still so.
 */
import type { EncodedRecord } from '../../codec/encoded-record.ts';
import { MAX_KNOWN_OBJECT_BYTES, MAX_KNOWN_OBJECTS } from '../../core/limits.ts';

export class KnownObjects {
  /** The one that was kept longest ago first. */
  readonly #kept = new Map<string, EncodedRecord>();

  /** `name`: of the key. */
  get(name: string): EncodedRecord | undefined {
    return this.#kept.get(name);
  }

  keep(name: string, object: EncodedRecord | undefined): void {
    this.#kept.delete(name);
    if (object === undefined || object.bytes.length > MAX_KNOWN_OBJECT_BYTES) return;
    this.#kept.set(name, object);
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= MAX_KNOWN_OBJECTS) return;
      this.#kept.delete(oldest);
    }
  }
}
