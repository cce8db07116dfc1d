/**
 * A short digest of a causal context, to tell whether two requests brought the same one. It does not depend on the
 * order in which the context was put together. Not cryptographic: it only tells apart two requests of one client.
 */
import { actorsOf, type CausalContext } from './causal-context.ts';

/** 32 bits, 0 for the empty context. Equal contexts give equal digests. */
export function contextDigest(context: CausalContext): number {
  let sum = context.ballot === undefined ? 0 : fnv1a(context.ballot);
  for (const actor of actorsOf(context)) {
    const ranges = context.cloud.get(actor) ?? [];
    sum = (sum + fnv1a(`${actor} ${context.vector.get(actor) ?? 0} ${ranges.join()}`)) >>> 0;
  }
  return sum;
}

/** FNV-1a over the characters, all of them ASCII. */
function fnv1a(text: string): number {
  let hash = 0x811c_9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x0100_0193);
  }
  return hash >>> 0;
}
