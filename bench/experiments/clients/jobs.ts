/** What the clients' process is told to do, and what it answers: plain data, for it crosses the border of a process. */
import type { TransportTally } from '../arms/pool-transport.ts';
import type { ArmId } from '../arms/arms.ts';
import type { KeyTally } from '../judging/lost-ids.ts';
import type { Told } from '../judging/timeline.ts';
import type { Quorums } from '../stale-reads/pbs.ts';

/** Clients that update as fast as they can, each one key. */
export interface ClosedJob {
  readonly type: 'closed';
  readonly arm: ArmId;
  readonly urls: readonly string[];
  readonly bucket: string;
  /** Clients take turns over them. */
  readonly keys: readonly string[];
  readonly clients: number;
  readonly durationMs: number;
  /** Of one update. */
  readonly timeoutMs: number;
}

/** Updates by all arms that are due at given times, whatever becomes of those before. */
export interface TimelineJob {
  readonly type: 'timeline';
  readonly bucket: string;
  readonly arms: readonly ArmId[];
  /** Clients of a side ask its nodes only, in turn, as behind a load balancer of their own. */
  readonly sides: readonly { readonly name: string; readonly urls: readonly string[] }[];
  /** Each has keys of its own for each arm. In order of time, the first from 0 on. */
  readonly phases: readonly {
    readonly name: string;
    readonly fromMs: number;
    readonly keys: Readonly<Record<ArmId, readonly string[]>>;
  }[];
  readonly endMs: number;
  /** Per second, arm and side. */
  readonly updatesPerSecond: number;
  readonly timeoutMs: number;
}

/** One client for each key writes versions one after the other, and reads are made beside. */
export interface StalenessJob {
  readonly type: 'staleness';
  readonly bucket: string;
  /** With the base URLs of the home replicas, through which everything goes. */
  readonly keys: readonly { readonly key: string; readonly home: readonly string[] }[];
  readonly quorums: Quorums;
  /**
   * `after`: a read begins so many milliseconds after a version was acknowledged, and the next version waits for it. `burst`:
   * versions are written and read without a pause.
   */
  readonly reads:
    | { readonly type: 'after'; readonly offsetsMs: readonly number[] }
    | { readonly type: 'burst' };
  readonly durationMs: number;
  readonly seed: number;
}

export type Job = ClosedJob | TimelineJob | StalenessJob;

/** How busy the clients' process was itself. */
export interface ClientHealth {
  /** Of one processor, 0 to 1. */
  readonly cpuShare: number;
  /** How late timers came, milliseconds, 99 of 100. */
  readonly lagP99Ms: number;
}

export interface ClosedResult {
  readonly keys: readonly KeyTally[];
  /** Acknowledged within the time, by client. */
  readonly perClient: readonly number[];
  readonly seconds: number;
  /** Of all acknowledged updates. */
  readonly latenciesMs: readonly number[];
  readonly transport: TransportTally;
  /** Of compare-and-set: what is not linearizable. */
  readonly violations: readonly string[];
  readonly health: ClientHealth;
}

/** One update of a timeline. */
export interface ToldUpdate extends Told {
  /** Negative: the one that made the key, before the time began. */
  readonly dueMs: number;
  readonly arm: ArmId;
  readonly side: string;
  readonly key: string;
  readonly id: string;
  /** From the moment at which it was due. */
  readonly ms: number;
  /** Of an update that went wrong. */
  readonly code?: string;
}

export interface TimelineResult {
  readonly updates: readonly ToldUpdate[];
  readonly transport: Readonly<Record<ArmId, TransportTally>>;
  readonly violations: readonly string[];
  readonly health: ClientHealth;
}

/** One read. */
export interface Observation {
  /** After the newest version that was acknowledged then; as planned, in a burst 0. */
  readonly afterMs: number;
  /** How many versions it was behind that one. */
  readonly lag: number;
}

export interface StalenessResult {
  readonly observations: readonly Observation[];
  /** Of the requests, as the client saw them, milliseconds. */
  readonly writeMs: readonly number[];
  readonly readMs: readonly number[];
  /** Requests that were not answered well, and reads that showed siblings. */
  readonly failures: number;
  readonly health: ClientHealth;
}

export type Reply =
  /** A timeline has begun: now is 0. */
  | { readonly type: 'begun' }
  | { readonly type: 'done'; readonly result: ClosedResult | TimelineResult | StalenessResult }
  | { readonly type: 'failed'; readonly reason: string };
