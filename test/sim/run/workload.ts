/**
 * The operations of a plan: clients read and write, carry contexts from answer to request, and try another node while a
 * write's outcome is unknown. Every answer is checked when it comes, against what clients were told before.
 */
import type { History } from '../checkers/history.ts';
import type { PlannedOperation, RunPlan } from '../plan/plan.ts';
import type { SimCluster } from '../world/sim-cluster.ts';
import type { RoundWatch } from './round-watch.ts';
import { ClientReads } from './client-reads.ts';
import { ClientSessions } from './client-sessions.ts';
import { ClientWrites } from './client-writes.ts';
import { ConditionalClients } from './conditional-clients.ts';
import type { RunLog } from './run-log.ts';
import type { ClientLink } from './simulated-client.ts';
import type { WhiteBox } from './white-box.ts';

export interface WorkloadParts {
  readonly plan: RunPlan;
  readonly world: SimCluster;
  readonly history: History;
  readonly whiteBox: WhiteBox;
  readonly log: RunLog;
  readonly link: ClientLink;
  /** Whether some disk has lost what was durable on it. */
  readonly hasLostDisk: () => boolean;
  /** Whether some node may take an old state of its disk for the newest: it has not met anybody who remembers better. */
  readonly isOldStateTrusted: () => boolean;
  /** Set in runs with conditional writes. */
  readonly rounds?: RoundWatch | undefined;
}

export class Workload {
  readonly #world: SimCluster;
  readonly #reads: ClientReads;
  readonly #writes: ClientWrites;
  readonly #conditional: ConditionalClients;
  readonly #sessions: ClientSessions;
  #open = 0;

  constructor(parts: WorkloadParts) {
    this.#world = parts.world;
    const sessions = new ClientSessions(parts.plan, parts.world);
    this.#sessions = sessions;
    const onEnd = (): void => {
      this.#open -= 1;
    };
    this.#reads = new ClientReads(parts, sessions, onEnd);
    this.#writes = new ClientWrites(parts, sessions, onEnd);
    this.#conditional = new ConditionalClients(parts, sessions, onEnd);
  }

  /** Operations that have begun and not ended. */
  get open(): number {
    return this.#open;
  }

  /** Lets the operations begin at their times from now. */
  schedule(operations: readonly PlannedOperation[]): void {
    const { loop, outside } = this.#world;
    for (const operation of operations) {
      loop.schedule(operation.atUs, outside, 'client', () => {
        this.#open += 1;
        this.#begin(operation);
      });
    }
  }

  #begin(operation: PlannedOperation): void {
    switch (operation.type) {
      case 'get':
        return this.#reads.begin(operation);
      case 'put':
        return this.#writes.begin(operation);
      case 'delete': {
        // Beside conditional writes nobody deletes what he has not seen: what that would replace no client could tell.
        const isBlind = operation.context === 'seen' && this.#sessions.contextOf(operation) === undefined;
        if (isBlind) return this.#conditional.begin({ ...operation, type: 'linearizable-get' });
        return this.#writes.begin(operation);
      }
      default:
        return this.#conditional.begin(operation);
    }
  }
}
