/** What both halves of a connection to a peer stand on. */
import type { Clock } from '../../ports/clock.ts';
import type { Network } from '../../ports/network.ts';
import type { Random } from '../../ports/random.ts';
import type { Tracer } from '../../ports/tracer.ts';
import type { LocalIdentity } from './hello.ts';
import type { StoreMemory } from './store-memory.ts';

export interface PeerOptions {
  readonly self: LocalIdentity;
  readonly network: Network;
  readonly clock: Clock;
  readonly random: Random;
  readonly tracer: Tracer;
  readonly memory: StoreMemory;
}
