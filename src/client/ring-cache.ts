/**
 * The ring as last heard, fetched in the background: no call ever waits for it. Without a ring, or with an old one,
 * calls go to the nodes in turn, and those forward.
 */
import type { RingBody } from '../api/bodies.ts';

/** A ring this old is fetched again at its next use, milliseconds. */
const MAX_AGE_MS = 60_000;
/** Time between two fetches at least, milliseconds. */
const MIN_INTERVAL_MS = 1_000;

export interface RingSource {
  /** Fetches the ring from any node, within a bounded time. */
  readonly fetchRing: () => Promise<RingBody>;
  /** Told of every ring fetched: addresses may change without a new epoch. */
  readonly onRing: (ring: RingBody) => void;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

export class RingCache {
  readonly #source: RingSource;
  #ring: RingBody | undefined;
  #stale = true;
  #fetchedAtMs = Number.NEGATIVE_INFINITY;
  #fetching = false;

  constructor(source: RingSource) {
    this.#source = source;
  }

  /** The ring, if one is known; starts a fetch if it is time for one. */
  current(): RingBody | undefined {
    const ageMs = this.#source.now() - this.#fetchedAtMs;
    const due = this.#stale ? ageMs >= MIN_INTERVAL_MS : ageMs >= MAX_AGE_MS;
    if (due && !this.#fetching) void this.#fetch();
    return this.#ring;
  }

  /** A node failed: the ring may have changed. */
  doubt(): void {
    this.#stale = true;
  }

  /** Never rejects: no ring just means no routing. */
  async #fetch(): Promise<void> {
    this.#fetching = true;
    try {
      const ring = await this.#source.fetchRing();
      this.#source.onRing(ring);
      this.#ring = ring;
      this.#stale = false;
    } catch {
      this.#stale = true;
    } finally {
      this.#fetching = false;
      this.#fetchedAtMs = this.#source.now();
    }
  }
}
