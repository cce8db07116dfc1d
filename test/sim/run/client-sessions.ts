/** What the clients of a plan hold: for each key the contexts that they got; and whom and what their operations name. */
import type { EntryName, NodeId } from '../../../src/core/ids.ts';
import type { PlannedOperation, RunPlan } from '../plan/plan.ts';
import type { SimCluster } from '../world/sim-cluster.ts';
import type { SeenToken, Session } from './simulated-client.ts';

/** All keys of a run are in one bucket. */
export const BUCKET = 'bucket';

export class ClientSessions {
  readonly #plan: RunPlan;
  readonly #nodeIds: readonly NodeId[];
  readonly #sessions = new Map<string, Session>();

  constructor(plan: RunPlan, world: SimCluster) {
    this.#plan = plan;
    this.#nodeIds = [...world.nodes.keys()];
  }

  /** The contexts that the operation's client holds for its key. */
  of({ client, key }: PlannedOperation): Session {
    const name = `${client} ${key}`;
    const session = this.#sessions.get(name) ?? {
      ...{ read: undefined, own: undefined, first: undefined, seen: undefined },
    };
    this.#sessions.set(name, session);
    return session;
  }

  /** The context that the operation is to send. */
  contextOf(operation: PlannedOperation): SeenToken | undefined {
    const session = this.of(operation);
    switch (operation.context) {
      case 'none':
        return undefined;
      case 'read':
        return session.read;
      case 'own':
        return session.own;
      case 'stale':
        return session.first;
      case 'seen':
        return session.seen;
    }
  }

  entryOf({ key }: PlannedOperation): EntryName {
    return { bucket: BUCKET, key: this.#plan.options.keys[key] as string };
  }

  /** The node that an attempt asks, the first of which is 0. */
  nodeOf({ nodes }: PlannedOperation, attempt: number): NodeId {
    return this.#nodeIds[nodes[attempt] as number] as NodeId;
  }
}
