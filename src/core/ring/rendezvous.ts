/**
 * How much a partition likes a node: a tie-break among the many equally even assignments, not the placement hash
 * (that one, xxHash64 over bucket and key, decides in which partition a key lies; see codec/hash.ts).
 *
 * Rendezvous (highest random weight) hashing: the affinity of a pair depends on nothing but that pair, so that a
 * change of members leaves the likings of the others alone. The distribution is Gumbel's, because the node of the
 * highest sum "affinity + price of the node" is then drawn in proportion to exp(price): one more node takes
 * from all alike, and no price has to change for it.
 */

/** Affinity units per natural unit of a price. */
export const AFFINITY_SCALE = 1 << 16;

/** Affinities of all nodes, row by row: that of partition p and node i stands at `p * ids.length + i`. Integers. */
export function affinities(ids: readonly string[], partitions: number): Int32Array {
  const seeds = ids.map(seedOf);
  const result = new Int32Array(partitions * ids.length);
  let at = 0;
  for (let partition = 0; partition < partitions; partition += 1) {
    for (const seed of seeds) result[at++] = gumbel(mix(Math.imul(partition + 1, 0x9e37_79b1) ^ seed));
  }
  return result;
}

/** FNV-1a over the UTF-16 units of the id, low byte first, then mixed. */
function seedOf(id: string): number {
  let hash = 0x811c_9dc5;
  for (let index = 0; index < id.length; index += 1) {
    const unit = id.charCodeAt(index);
    hash = Math.imul(hash ^ (unit & 0xff), 0x0100_0193);
    hash = Math.imul(hash ^ (unit >>> 8), 0x0100_0193);
  }
  return mix(hash);
}

/** The finalizer of MurmurHash3 (32 bits). */
function mix(hash: number): number {
  let mixed = hash;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85eb_ca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2_ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

function gumbel(hash: number): number {
  const uniform = (hash + 0.5) / 2 ** 32;
  return Math.round(-AFFINITY_SCALE * naturalLogarithm(-naturalLogarithm(uniform)));
}

/**
 * Natural logarithm to about 30 bits from additions and multiplications only. `Math.log` may differ by a last bit between
 * engines, and members that round an affinity differently would disagree about a home replica.
 */
function naturalLogarithm(value: number): number {
  let mantissa = value;
  let exponent = 0;
  while (mantissa >= 2) {
    mantissa /= 2;
    exponent += 1;
  }
  while (mantissa < 1) {
    mantissa *= 2;
    exponent -= 1;
  }
  // Atanh series: ln m = 2 (t + t^3/3 + t^5/5 + ...), t = (m - 1) / (m + 1) <= 1/3.
  const t = (mantissa - 1) / (mantissa + 1);
  const square = t * t;
  let series = 0;
  for (let odd = 17; odd >= 1; odd -= 2) series = series * square + 1 / odd;
  return 2 * t * series + exponent * Math.LN2;
}
