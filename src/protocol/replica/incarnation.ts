/**
 * Who this process is when it mints dots: an incarnation drawn anew at every start, and the epochs it hands out. The
 * counter of epochs lives in memory only, because the incarnation that it belongs to ends with the process.
 */
import { actorsOf, type CausalContext } from '../../core/causality/causal-context.ts';
import { incarnationOf } from '../../core/causality/dot.ts';
import type { Incarnation, StoreId } from '../../core/ids.ts';
import type { Random } from '../../ports/random.ts';

const HALF_BYTES = 8;

export class IncarnationSource {
  /** The one that the process began with. */
  readonly opening: Incarnation;
  #storeHalf: Uint8Array;
  readonly #random: Random;
  #current: Incarnation;
  #epochs = 0;

  constructor(storeId: StoreId, random: Random) {
    this.#storeHalf = halfOf(storeId);
    this.#random = random;
    this.#current = this.#draw();
    this.opening = this.#current;
  }

  get current(): Incarnation {
    return this.#current;
  }

  /** An epoch that this incarnation has not used. */
  openEpoch(): number {
    this.#epochs += 1;
    return this.#epochs;
  }

  /** Becomes somebody else, because the local store was seen to have lost something. */
  renew(): Incarnation {
    this.#current = this.#draw();
    this.#epochs = 0;
    return this.#current;
  }

  /**
   * A record with this context goes. If this incarnation minted in it, an older one may come back later with less of what was
   * minted, and its counter must not be continued: this process is somebody else from now on.
   */
  forget(context: CausalContext): void {
    if ([...actorsOf(context)].some((actor) => incarnationOf(actor) === this.#current)) this.renew();
  }

  /** As `renew`, with a store that has another id from now on. */
  renewFor(storeId: StoreId): Incarnation {
    this.#storeHalf = halfOf(storeId);
    return this.renew();
  }

  #draw(): Incarnation {
    const bytes = Buffer.concat([this.#storeHalf, this.#random.bytes(HALF_BYTES)]);
    return bytes.toString('base64url') as Incarnation;
  }
}

function halfOf(storeId: StoreId): Uint8Array {
  return Buffer.from(storeId, 'base64url').subarray(0, HALF_BYTES);
}

/** A new store's name: 16 random bytes. */
export function drawStoreId(random: Random): StoreId {
  return Buffer.from(random.bytes(2 * HALF_BYTES)).toString('base64url') as StoreId;
}
