/**
 * Read repair (Dynamo, section 5): a read that saw replicas differ sends the join to those that are behind, after the client
 * has its answer. Bounded for each replica, so that one whose disk hangs does not take the repairs of the others: beyond the
 * bound a repair is dropped, and the next read of the key finds the difference again.
 */
import type { NodeId } from '../../core/ids.ts';
import { MAX_READ_REPAIRS } from '../../core/limits.ts';
import type { Tracer } from '../../ports/tracer.ts';
import type { Replicas } from '../replica/replicas.ts';
import type { SettledRead } from './held-records.ts';

export class ReadRepair {
  readonly #replicas: Replicas;
  readonly #tracer: Tracer;
  /** Repairs that are waited for, by replica. */
  readonly #running = new Map<NodeId, number>();

  constructor(replicas: Replicas, tracer: Tracer) {
    this.#replicas = replicas;
    this.#tracer = tracer;
  }

  repair({ entry, joined, behind }: SettledRead): void {
    for (const target of behind) {
      if ((this.#running.get(target) ?? 0) >= MAX_READ_REPAIRS) {
        this.#tracer.trace({ type: 'read-repair', target, result: 'dropped' });
        continue;
      }
      this.#count(target, 1);
      this.#replicas.store(target, { type: 'store', ...entry, record: joined }, (reply) => {
        this.#count(target, -1);
        const result = reply.type === 'stored' ? 'stored' : 'failed';
        this.#tracer.trace({ type: 'read-repair', target, result });
      });
    }
  }

  #count(target: NodeId, change: 1 | -1): void {
    this.#running.set(target, (this.#running.get(target) ?? 0) + change);
  }
}
