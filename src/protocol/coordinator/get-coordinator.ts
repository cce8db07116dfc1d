/** GET, coordinated by a home replica of the key, or by a fallback: read at R, answer, then repair what differs. */
import type { EntryName } from '../../core/ids.ts';
import type { Failure, ReadOutcome } from '../../core/outcome.ts';
import type { ReadRequest } from '../../core/request.ts';
import type { PreferredNodes } from '../../core/ring/ring.ts';
import { type ReadAnswer, ReadOperation, type ReadPorts, type ReadTarget } from './read-operation.ts';
import { ReadRepair } from './read-repair.ts';

export class GetCoordinator {
  readonly #ports: ReadPorts;
  readonly #repair: ReadRepair | undefined;

  /** `readRepair`: whether what differs is repaired; so it is if this is not set. */
  constructor(ports: ReadPorts & { readonly readRepair?: boolean | undefined }) {
    this.#ports = ports;
    this.#repair = ports.readRepair === false ? undefined : new ReadRepair(ports.replicas, ports.tracer);
  }

  async get(request: ReadRequest, nodes: PreferredNodes): Promise<ReadOutcome> {
    const { bucket, key, n, r, timeoutMs, atLeast } = request;
    const result = await this.read({ entry: { bucket, key }, nodes, r, timeoutMs, atLeast });
    if (result.type === 'failed') return result;
    const quorum = { n, required: r, acks: result.acks, sloppy: result.sloppy, ordered: false };
    return {
      type: 'read',
      record: result.record,
      quorum: { ...quorum, coordinator: this.#ports.replicas.self },
    };
  }

  /** The same read for a write that has to know what is there. */
  read(target: ReadTarget & { readonly entry: EntryName }): Promise<ReadAnswer | Failure> {
    return new ReadOperation(this.#ports, target, (settled) => this.#repair?.repair(settled)).run();
  }
}
