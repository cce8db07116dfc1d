/**
 * Which of the stored keys a request is about: each as likely as any other, or a few far more often than the rest.
 *
 * The skewed choice is YCSB's (Cooper et al., Benchmarking Cloud Serving Systems with YCSB, SoCC 2010): ranks by the Zipfian
 * generator of Gray et al. (Quickly Generating Billion-Record Synthetic Databases, SIGMOD 1994, figure 3), scrambled by a
 * hash (FNV-1a, as there), so that popular keys do not lie side by side. With 0.99 and 10,000 keys the first one gets a tenth
 * of all requests.
 */

/** YCSB's constant. */
export const ZIPF_THETA = 0.99;

const FNV_OFFSET_BASIS = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** How keys are chosen. `latest`: Zipfian from the newest backwards (YCSB's workload D). */
export type KeyDistribution = 'uniform' | 'zipfian' | 'latest';

/** Draws a rank from 0 (most often) to below the count. */
export function zipfianRanks(count: number, random: () => number, theta: number = ZIPF_THETA): () => number {
  let zeta = 0;
  for (let rank = 1; rank <= count; rank++) zeta += rank ** -theta;
  const alpha = 1 / (1 - theta);
  const zetaOfTwo = 1 + 2 ** -theta;
  const eta = (1 - (2 / count) ** (1 - theta)) / (1 - zetaOfTwo / zeta);
  return () => {
    const uniform = random();
    const scaled = uniform * zeta;
    if (scaled < 1) return 0;
    if (scaled < zetaOfTwo) return Math.min(1, count - 1);
    return Math.min(count - 1, Math.floor(count * (eta * uniform - eta + 1) ** alpha));
  };
}

/** Draws the number of a key, from 0 to below what `keyCount` answers at the time. */
export function keyNumbers(
  distribution: KeyDistribution,
  keyCount: () => number,
  random: () => number,
): () => number {
  if (distribution === 'uniform') return () => Math.floor(random() * keyCount());
  const rank = zipfianRanks(keyCount(), random);
  if (distribution === 'latest') return () => Math.max(0, keyCount() - 1 - rank());
  return () => scrambled(rank()) % keyCount();
}

function scrambled(rank: number): number {
  let hash = FNV_OFFSET_BASIS;
  for (let shift = 0; shift < 32; shift += 8) {
    hash = Math.imul(hash ^ ((rank >>> shift) & 0xff), FNV_PRIME);
  }
  return hash >>> 0;
}
