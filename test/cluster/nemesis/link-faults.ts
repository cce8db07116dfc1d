/** Breaks links between nodes. One fault at a time; whatever it is, healing the links ends it. */
import { setTimeout as delay } from 'node:timers/promises';
import type { ProcessCluster } from '../process-cluster.ts';
import type { LinkFault } from './fault-plan.ts';

/** How long a clogged link holds everything back before it lets it through. */
const CLOG_MS = 400;

/** Resolves when the time of the fault is over, and it is healed. */
export async function breakLinks(cluster: ProcessCluster, fault: LinkFault): Promise<void> {
  const endMs = performance.now() + fault.forMs;
  do {
    for (const [from, to] of fault.pairs) {
      if (fault.effect === 'reset') cluster.cut(from, to);
      else if (fault.effect === 'delay') cluster.link(from, to).delay(fault.delayMs);
      else cluster.link(from, to).stall();
    }
    const leftMs = Math.max(0, endMs - performance.now());
    await delay(fault.effect === 'clog' ? Math.min(CLOG_MS, leftMs) : leftMs);
    cluster.healLinks();
  } while (performance.now() < endMs);
}
