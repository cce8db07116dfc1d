import { randomFillSync } from 'node:crypto';
import type { Random } from '../ports/random.ts';

const FRACTION_BYTES = 6;
/** Fractions are drawn for each read: one question to the system is enough for many of them. */
const pool = Buffer.alloc(1_024 * FRACTION_BYTES);
let used = pool.length;

/** Chance from the operating system's secure source. */
export const systemRandom: Random = {
  bytes: (length) => randomFillSync(new Uint8Array(length)),
  fraction: () => {
    if (used === pool.length) {
      randomFillSync(pool);
      used = 0;
    }
    used += FRACTION_BYTES;
    return pool.readUIntBE(used - FRACTION_BYTES, FRACTION_BYTES) / 2 ** (8 * FRACTION_BYTES);
  },
};
