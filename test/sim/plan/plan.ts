/**
 * One run as data: how the world behaves, what clients do, what breaks. All of it is drawn before the run begins, so a failing
 * run is shrunk by leaving parts of it out.
 */
import type { BucketMode } from '../../../src/core/cluster-config.ts';
import type { Limits } from '../../../src/core/limits.ts';
import type { WorkSizes } from '../../../src/core/work-sizes.ts';
import type { ClockFaults } from '../world/sim-clock.ts';
import type { DiskOptions, WriteFault } from '../world/sim-disk.ts';
import type { NetworkOptions } from '../world/sim-network.ts';

export interface RunPlan {
  readonly seed: number;
  readonly options: RunOptions;
  readonly operations: readonly PlannedOperation[];
  readonly faults: readonly PlannedFault[];
}

export interface RunOptions {
  readonly nodes: number;
  readonly partitions: number;
  readonly n: number;
  /** Names of the keys, all in one bucket. */
  readonly keys: readonly string[];
  readonly clients: number;
  readonly sync: boolean;
  readonly network: NetworkOptions;
  readonly disk: DiskOptions;
  readonly clocks: readonly ClockFaults[];
  /** Virtual microseconds in which operations begin and faults happen. */
  readonly faultyUs: number;
  readonly maxSiblings: number;
  /** What mends replicas in this run. They mask one another, so each is off now and then. */
  readonly repairs: Repairs;
  /** Milliseconds after which tombstones are reaped; undefined: never. */
  readonly reapAfterMs?: number | undefined;
  /**
   * Whether each write reaches more disks than the faults of this run can lose unnoticed, and each read as many as it takes to
   * meet it: what must hold then is demanded of reads, too.
   */
  readonly readsSeeWrites: boolean;
  /** Set: clients send conditional writes and linearizable reads. */
  readonly conditional?: ConditionalOptions | undefined;
  /** How big steps, pages and caches are; as in production where it is not set. */
  readonly sizes?: Partial<WorkSizes> | undefined;
  /** Bounds that an operator may set, beside that of siblings; as in production where it is not set. */
  readonly limits?: Partial<Limits> | undefined;
}

export interface ConditionalOptions {
  /** Of the bucket. */
  readonly mode: BucketMode;
  readonly workload: ConditionalWorkload;
}

export const CONDITIONAL_WORKLOADS = [
  /** Reads, writes and deletions in any order. */
  'register',
  /** Each write adds one to what its client saw. */
  'counter',
  /** Each write adds itself to the list that its client saw. */
  'append',
  /** Many clients create the same keys at once. */
  'create-race',
  /** Whoever creates the key holds a lock until it deletes it. */
  'lock',
  /** Keys are deleted and created again all the time. */
  'recreate',
] as const;
export type ConditionalWorkload = (typeof CONDITIONAL_WORKLOADS)[number];

export interface Repairs {
  readonly readRepair: boolean;
  /** Whether hints are delivered. */
  readonly handoff: boolean;
  readonly antiEntropy: boolean;
  /** Share of the reads that ask all home replicas: 0 to 1. */
  readonly askAllShare: number;
}

/** Where the context of a write comes from. */
export type ContextSource =
  | 'none'
  /** The client's last read of the key. */
  | 'read'
  /** The client's last write of the key. */
  | 'own'
  /** The first context that the client ever got for the key. */
  | 'stale'
  /** The client's last linearizable read of the key, or refusal that told what is there. */
  | 'seen';

/** `replace` and `remove` expect what their client has seen: the last of it, or with `stale` what came before that. */
export type ConditionalType = 'linearizable-get' | 'create' | 'replace' | 'remove';

export interface PlannedOperation {
  /** The identity of the event; its value says so. */
  readonly id: number;
  readonly atUs: number;
  readonly client: number;
  readonly type: 'get' | 'put' | 'delete' | ConditionalType;
  /** Index into the keys. */
  readonly key: number;
  /** Indexes of the nodes that are asked: the first, and one after the other while the outcome is unknown. */
  readonly nodes: readonly number[];
  readonly n: number;
  readonly r: number;
  readonly w: number;
  /** Whether fallbacks may stand in for home replicas. */
  readonly sloppy: boolean;
  readonly context: ContextSource;
  /** Of a read: whether it asks for an answer that is as new as its context. */
  readonly hasWriteId: boolean;
  readonly timeoutMs: number;
  /** Bytes of the value. */
  readonly bytes: number;
}

export type PlannedFault = { readonly atUs: number } & (
  | {
      readonly type: 'crash';
      readonly node: number;
      /** Whether the machine lost its power, and with it what was not synced. */
      readonly power: boolean;
      /** The process dies inside the n-th call of a port from `atUs`; 0 is at once. */
      readonly afterCalls: number;
      readonly downUs: number;
      /**
       * What happens to the disk before the next start. `rolled-back`: to what it was at `snapshotAtUs`. `gap`: some of the batches that
       * were written last are lost.
       */
      readonly disk: 'kept' | 'wiped' | 'rolled-back' | 'gap';
    }
  | { readonly type: 'snapshot'; readonly node: number }
  /** The disk loses all its records, and the process goes on. */
  | { readonly type: 'forget'; readonly node: number }
  | { readonly type: 'cut'; readonly links: readonly (readonly [number, number])[]; readonly forUs: number }
  | { readonly type: 'reset'; readonly left: number; readonly right: number }
  | { readonly type: 'pause'; readonly node: number; readonly forUs: number }
  | { readonly type: 'slow'; readonly node: number; readonly factor: number; readonly forUs: number }
  | { readonly type: 'clock-jump'; readonly node: number; readonly ms: number }
  /** The next write to this disk fails; the process ends itself, and starts again. */
  | {
      readonly type: 'write-fault';
      readonly node: number;
      readonly fault: WriteFault;
      readonly forUs: number;
    }
  | { readonly type: 'low-space'; readonly node: number; readonly forUs: number }
  /** Half of the reads of records from this disk go wrong; what lies on it is whole. */
  | { readonly type: 'misread'; readonly node: number; readonly kind: MisreadKind; readonly forUs: number }
  /** Frames of one kind between two nodes are lost. */
  | {
      readonly type: 'filter';
      readonly from: number;
      readonly to: number;
      readonly kind: FilteredKind;
      readonly forUs: number;
    }
);

export const FILTERED_KINDS = [
  'read',
  'store',
  'coordinate-put',
  'coordinate-get',
  'coordinate-delete',
] as const;
/** Replies of what goes on in the background. */
export const FILTERED_BACKGROUND_KINDS = [
  'tree-roots',
  'tree-leaves',
  'tree-keys',
  'partition-keys',
  'voted-keys',
  'floors',
  'reap-watch',
  'reap-settle',
  'reap-check',
  'reap-drop',
] as const;
/** What is lost in addition where there are conditional writes. */
export const FILTERED_PAXOS_KINDS = [
  'paxos-prepare',
  'paxos-accept',
  'paxos-read',
  'coordinate-conditional',
  'request paxos-accept',
  'request paxos-commit',
] as const;
/** A reply of this kind; requests arrive, so that the work is done and its answer lost. Or a request, where it says so. */
export type FilteredKind =
  | (typeof FILTERED_KINDS)[number]
  | (typeof FILTERED_BACKGROUND_KINDS)[number]
  | (typeof FILTERED_PAXOS_KINDS)[number];

export const MISREAD_KINDS = ['error', 'damaged', 'misplaced'] as const;
/** The read fails, or a byte of what it gives is wrong, or it gives the record of another key. */
export type MisreadKind = (typeof MISREAD_KINDS)[number];
