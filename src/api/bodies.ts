/** JSON bodies of the HTTP API. */
import type { ProblemCode, ProblemOutcome } from './errors.ts';

/** A value appears as `json` if its type is JSON and it parses, else as `text` if it is UTF-8 text, else as `base64`. */
export type LiveSiblingBody = {
  readonly id: string;
  readonly contentType: string;
  /** ISO 8601, by the coordinator's clock. */
  readonly writtenAt: string;
  readonly writeId?: string;
} & ({ readonly json: unknown } | { readonly text: string } | { readonly base64: string });

export interface TombstoneBody {
  readonly id: string;
  readonly deleted: true;
}

/** One entry with all its siblings (media type application/vnd.quorate.entry+json). */
export interface EntryBody {
  readonly bucket: string;
  readonly key: string;
  /** The causal token to send back with the write that resolves these siblings. */
  readonly context: string;
  readonly etag: string;
  readonly siblings: readonly (LiveSiblingBody | TombstoneBody)[];
}

export interface ReplicaReportBody {
  readonly node: string;
  readonly result: string;
  readonly ms: number;
}

/** RFC 9457. */
export interface ProblemBody {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail?: string;
  readonly code: ProblemCode;
  readonly outcome: ProblemOutcome;
  readonly requestId: string;
  readonly hint?: string;
  readonly required?: number;
  readonly received?: number;
  readonly replicas?: readonly ReplicaReportBody[];
  readonly retryAfterMs?: number;
  readonly [fact: string]: unknown;
}

export interface RingBody {
  readonly cluster: string;
  /** Digest of everything that decides placement; equal on all nodes of a cluster. */
  readonly epoch: string;
  readonly partitions: number;
  /** How a key finds its partition: the top bits of this hash of `bucket`, a zero byte, and `key` in UTF-8. */
  readonly hash: { readonly name: 'xxh64'; readonly seed: number };
  readonly nodes: readonly { readonly id: string; readonly zone: string; readonly url: string }[];
  readonly defaults: { readonly n: number; readonly r: number; readonly w: number };
  readonly buckets: Readonly<Record<string, { n: number; r: number; w: number; mode: 'mixed' | 'cas' }>>;
  /** For each partition all nodes, as indexes into `nodes`, in order of preference: home replicas first. */
  readonly preferenceLists: readonly (readonly number[])[];
}

export interface MemberBody {
  readonly id: string;
  readonly zone: string;
  /** Base URL of its HTTP API. */
  readonly url: string;
  readonly peerAddress: string;
  /** As the answering node sees it now. */
  readonly state: 'self' | 'up' | 'down';
  /** ISO 8601: since when it is in that state. */
  readonly since: string;
  readonly storeId?: string;
  readonly incarnation?: string;
  /** Why it is down, as far as known. */
  readonly reason?: string;
  /** What the answering node keeps for it, to hand over when it is back; not set if that is nothing. */
  readonly hints?: HintsBody;
}

export interface HintsBody {
  /** Records. */
  readonly pending: number;
  /** Of these records, as they came. */
  readonly bytes: number;
  readonly oldestAgeSeconds: number;
}

export interface ClusterBody {
  readonly cluster: string;
  readonly epoch: string;
  /** The answering node. */
  readonly node: string;
  readonly version: string;
  readonly defaults: { readonly n: number; readonly r: number; readonly w: number };
  readonly members: readonly MemberBody[];
  /** What the answering node lost and has not got back yet. */
  readonly recovery: {
    /** Partitions whose copy on it counts for nothing in a read; 0 if nothing is lost. */
    readonly partitions: number;
    /** Members that have not given yet what they hold of these. */
    readonly waitingFor: readonly string[];
  };
  /** What the answering node has done since its process began. */
  readonly activity: {
    /** Records that it, or another node, took because replicas differed. */
    readonly repairs: number;
    /** Writes that left several siblings. */
    readonly conflicts: number;
  };
  readonly limits: Readonly<Record<string, number>>;
}

/** The number of a Paxos round: rounds are ordered by time, then counter, then node. */
export interface BallotBody {
  /** ISO 8601, by the hybrid logical clock of the node that proposed it. */
  readonly time: string;
  readonly counter: number;
  /** Who proposed it. */
  readonly node: string;
}

/** What a home replica keeps as a voter in the rounds of conditional requests. What it never saw is left out. */
export interface VoteBody {
  readonly votes: boolean;
  /** Why it does not vote on the key now. */
  readonly reason?: string;
  /** It takes nothing below this. */
  readonly promised?: BallotBody;
  /** What it accepted last. */
  readonly accepted?: BallotBody;
  /** The highest that it knows to be chosen. */
  readonly chosen?: BallotBody;
  /** Whether it accepted something that it does not know to be chosen. */
  readonly unfinished: boolean;
}

export interface InspectedReplica {
  readonly node: string;
  readonly result: 'found' | 'absent' | 'unreadable' | 'unreachable' | 'recovering';
  readonly ms: number;
  /** Digest of the stored record; equal digests are equal records. */
  readonly digest?: string;
  readonly context?: string;
  readonly etag?: string;
  /** Of a home replica that told. */
  readonly vote?: VoteBody;
  readonly siblings?: readonly (
    | {
        readonly id: string;
        readonly contentType: string;
        readonly bytes: number;
        readonly writtenAt: string;
        readonly writeId?: string;
      }
    | { readonly id: string; readonly deleted: true; readonly writtenAt: string }
  )[];
}

export interface InspectBody {
  readonly bucket: string;
  readonly key: string;
  readonly partition: number;
  /** All nodes in order of preference; the first `n` are the home replicas. */
  readonly preferenceList: readonly string[];
  readonly n: number;
  /** Whether all home replicas answered and hold the same record. */
  readonly agree: boolean;
  readonly replicas: readonly InspectedReplica[];
}

/**
 * What became of a write. `applied`: it is among what the key holds. `superseded`: it was, and something has taken its place.
 * `never-applied`: no conditional write of this id has taken place, and none will. `too-old`: the key may have forgotten the id since.
 */
export type WriteState = 'applied' | 'superseded' | 'never-applied' | 'too-old';

export interface OutcomeBody {
  readonly bucket: string;
  readonly key: string;
  readonly writeId: string;
  readonly state: WriteState;
  /** The ETag that its answer had, or would have had, if that is known. */
  readonly etag?: string;
}

export interface ReadyBody {
  readonly ready: boolean;
  /** Why not. */
  readonly reasons: readonly string[];
  /** What goes on meanwhile, and keeps nobody from being served. */
  readonly notes?: readonly string[];
}
