/**
 * A quiet cluster and one key of it, for scenarios that make exactly the faults they are about. Nodes are named as in the
 * literature: p1, p2, p3 are the home replicas of the key in order of preference, f1 and f2 the others.
 */
import { placementHash } from '../../../src/codec/hash.ts';
import { decodeMessage } from '../../../src/codec/message-codec.ts';
import { decodeRecord } from '../../../src/codec/record-codec.ts';
import { recordKey } from '../../../src/codec/key-layout.ts';
import type { CausalContext } from '../../../src/core/causality/causal-context.ts';
import { formatDot } from '../../../src/core/causality/dot.ts';
import type { KeyRecord } from '../../../src/core/causality/record.ts';
import { visibleSiblings } from '../../../src/core/causality/visible-siblings.ts';
import type { EntryName, StoreId } from '../../../src/core/ids.ts';
import type { PeerRequest } from '../../../src/core/message.ts';
import type {
  DeleteOutcome,
  PutOutcome,
  ReadOutcome,
  ReadSuccess,
  WriteSuccess,
} from '../../../src/core/outcome.ts';
import type { DeleteRequest, PutRequest, ReadRequest } from '../../../src/core/request.ts';
import { buildRing, partitionOf, preferenceList } from '../../../src/core/ring/ring.ts';
import type { TraceEvent } from '../../../src/ports/tracer.ts';
import type { StorageNode } from '../../../src/protocol/storage-node.ts';
import { eventOf, valueOf } from '../checkers/dots.ts';
import { isRecordKey } from '../run/record-keys.ts';
import { quietWorld, simConfig } from '../world/quiet-world.ts';
import type { SimCluster, SimNode, WorldOptions } from '../world/sim-cluster.ts';
import type { DiskOptions } from '../world/sim-disk.ts';
import { demand } from './scenario.ts';

export const ENTRY: EntryName = { bucket: 'bucket', key: 'key' };
const NODES = 5;
/** Longer than any backoff or silence between nodes that can reach each other. Virtual milliseconds. */
const SETTLE_MS = 30_000;

export class ScenarioCluster {
  readonly world: SimCluster;
  readonly p1: SimNode;
  readonly p2: SimNode;
  readonly p3: SimNode;
  readonly f1: SimNode;
  readonly f2: SimNode;
  readonly #storageKey: Uint8Array;
  /** Events by the dots that any disk was given for them. */
  readonly #dotsOf = new Map<number, Set<string>>();
  readonly #traced: ReadonlyMap<TraceEvent['type'], number>;

  private constructor(world: SimCluster, traced: ReadonlyMap<TraceEvent['type'], number>) {
    this.world = world;
    this.#traced = traced;
    const ring = buildRing(world.options.config);
    const partition = partitionOf(ring, placementHash(ENTRY));
    const nodes = preferenceList(ring, partition).map((id) => world.node(id));
    [this.p1, this.p2, this.p3, this.f1, this.f2] = nodes as [SimNode, SimNode, SimNode, SimNode, SimNode];
    this.#storageKey = recordKey(partition, ENTRY);
    for (const { disk } of nodes) {
      disk.observer = {
        onAttempt: (writes) => {
          for (const write of writes) {
            if (write.type === 'put' && isRecordKey(write.key)) this.#note(decodeRecord(ENTRY, write.value));
          }
        },
      };
    }
  }

  /** Five nodes that are all connected. `disk`: what differs from a quick disk whose reads answer at once. */
  static async start(
    disk: Partial<DiskOptions> = {},
    more: Partial<WorldOptions> = {},
  ): Promise<ScenarioCluster> {
    const quiet = quietWorld(simConfig(NODES));
    const traced = new Map<TraceEvent['type'], number>();
    const world = quietWorld(
      simConfig(NODES),
      { ...more, disk: { ...quiet.options.disk, ...disk } },
      { onTrace: (_, { type }) => traced.set(type, (traced.get(type) ?? 0) + 1) },
    );
    const cluster = new ScenarioCluster(world, traced);
    world.startAll();
    await world.runFor(SETTLE_MS);
    return cluster;
  }

  /** Lets everything that is under way come to its end. */
  settle(): Promise<void> {
    return this.world.runFor(SETTLE_MS);
  }

  /** Both directions between a node and others. */
  cut(node: SimNode, ...others: readonly SimNode[]): void {
    for (const other of others) {
      this.world.fabric.cut(node.id, other.id);
      this.world.fabric.cut(other.id, node.id);
    }
  }

  /** Heals all links, and waits until every node has noticed. */
  async heal(): Promise<void> {
    this.world.fabric.healAll();
    await this.settle();
  }

  /** Ends a process and starts another on its disk, after something was done to that. */
  async restart(node: SimNode, meanwhile: () => void = () => {}): Promise<void> {
    node.crash({ power: false, reason: 'the scenario' });
    meanwhile();
    node.start();
    await this.settle();
  }

  /** Begins a PUT; nothing happens until the cluster runs. */
  beginPut(node: SimNode, event: number, request: Partial<PutRequest> = {}): Promise<PutOutcome> {
    return storageNodeOf(node).put({
      ...ENTRY,
      ...COMMON,
      contentType: 'text/plain',
      value: valueOf(event, 0),
      ...request,
    });
  }

  beginDelete(node: SimNode, request: Partial<DeleteRequest> = {}): Promise<DeleteOutcome> {
    return storageNodeOf(node).delete({ ...ENTRY, ...COMMON, r: 2, ...request });
  }

  put(node: SimNode, event: number, request: Partial<PutRequest> = {}): Promise<PutOutcome> {
    return this.world.runUntil(this.beginPut(node, event, request));
  }

  delete(node: SimNode, request: Partial<DeleteRequest> = {}): Promise<DeleteOutcome> {
    return this.world.runUntil(this.beginDelete(node, request));
  }

  get(node: SimNode, request: Partial<ReadRequest> = {}): Promise<ReadOutcome> {
    const { n, sloppy, timeoutMs } = COMMON;
    const read = { ...ENTRY, n, sloppy, timeoutMs, r: 2, ...request };
    return this.world.runUntil(storageNodeOf(node).get(read));
  }

  /** A PUT that has to succeed. Answers the client's context after it. */
  async mustPut(node: SimNode, event: number, request: Partial<PutRequest> = {}): Promise<CausalContext> {
    return written(await this.put(node, event, request)).context;
  }

  /** A read at R = 3 that has to succeed: events that it shows. */
  async mustRead(
    node: SimNode,
  ): Promise<{ readonly events: readonly number[]; readonly context: CausalContext | undefined }> {
    const outcome = await this.get(node, { r: 3 });
    demand(outcome.type === 'read', `a read at R=3 of a whole cluster ends in ${JSON.stringify(outcome)}`);
    return { events: eventsOf(outcome), context: outcome.record?.context };
  }

  /** Events that this node shows by itself: it has to show something. */
  async shownBy(node: SimNode): Promise<readonly number[]> {
    const outcome = await this.get(node, { r: 1 });
    demand(outcome.type === 'read', `a read of ${node.id} alone ends in ${JSON.stringify(outcome)}`);
    return eventsOf(outcome);
  }

  /** The record that lies on a disk, as bytes. */
  stored(node: SimNode): Uint8Array | undefined {
    return node.disk.visibleValue(this.#storageKey);
  }

  /** Puts a record on a disk behind the back of its node. */
  place(node: SimNode, record: Uint8Array): void {
    node.disk.takeEffect([{ type: 'put', key: this.#storageKey, value: record }], true);
  }

  /** How often something has happened, on all nodes together. */
  traced(type: TraceEvent['type']): number {
    return this.#traced.get(type) ?? 0;
  }

  /** Dots that were minted for an event. */
  dotsOf(event: number): readonly string[] {
    return [...(this.#dotsOf.get(event) ?? [])];
  }

  /** No dot may name two events. */
  demandDistinctDots(): void {
    const eventOfDot = new Map<string, number>();
    for (const [event, dots] of this.#dotsOf) {
      for (const dot of dots) {
        const other = eventOfDot.get(dot);
        demand(other === undefined, `the dot ${dot} names event ${other} and event ${event}`);
        eventOfDot.set(dot, event);
      }
    }
  }

  #note({ siblings }: KeyRecord): void {
    for (const sibling of siblings) {
      const event = eventOf(sibling);
      if (event === undefined) continue;
      const dots = this.#dotsOf.get(event) ?? new Set();
      this.#dotsOf.set(event, dots.add(formatDot(sibling.dot)));
    }
  }
}

const COMMON = {
  n: 3,
  w: 2,
  sloppy: false,
  timeoutMs: 5_000,
  context: undefined,
  identity: undefined,
  returnRecord: false,
};

/** Whether a frame asks for this. */
export function isRequest(frame: Uint8Array, type: PeerRequest['type']): boolean {
  const message = decodeMessage(frame);
  return message.type === 'request' && message.request.type === type;
}

/** Events whose values a read shows. */
export function eventsOf({ record }: ReadSuccess): readonly number[] {
  if (record === undefined) return [];
  const live = visibleSiblings(record).filter(({ content }) => content.type === 'value');
  return live.map(eventOf).filter((event) => event !== undefined);
}

/** The outcome of a write that has to succeed. */
export function written(outcome: PutOutcome | DeleteOutcome): WriteSuccess {
  demand(outcome.type === 'written', `a write ends in ${JSON.stringify(outcome)}`);
  return outcome;
}

/** The store that a node runs on, as it presents it. */
export function storeIdOf({ id, storageNode }: SimNode): StoreId | undefined {
  return storageNode?.members().find(({ node }) => node === id)?.storeId;
}

function storageNodeOf(node: SimNode): StorageNode {
  demand(node.storageNode !== undefined, `${node.id} does not run`);
  return node.storageNode;
}
