import { randomBytes, randomFillSync } from 'node:crypto';
import type { Random } from '../ports/random.ts';

const FRACTION_BYTES = 6;

/** Chance from the operating system's secure source. */
export const systemRandom: Random = {
  bytes: (length) => randomFillSync(new Uint8Array(length)),
  fraction: () => randomBytes(FRACTION_BYTES).readUIntBE(0, FRACTION_BYTES) / 2 ** (8 * FRACTION_BYTES),
};
