/**
 * Every bound of the store, in one place, each with its unit and its reason. A bound never blocks repair, nor the
 * write that reduces siblings: only client requests that would make things grow are refused. How much one step takes, one page holds
 * and one cache keeps is in work-sizes.ts.
 */

/** Bytes of UTF-8 in a key. */
export const MAX_KEY_BYTES = 1024;
/** Characters in a bucket name. */
export const MAX_BUCKET_CHARACTERS = 64;
/** Characters in a client's write id. */
export const MAX_WRITE_ID_CHARACTERS = 64;
/** Write ids that a record remembers, superseded ones included: so many of plain writes, and as many of rounds. */
export const MAX_WRITE_IDS = 64;
/** Characters in a stored content type. */
export const MAX_CONTENT_TYPE_CHARACTERS = 256;
/** Partitions of a ring; a power of two. */
export const MAX_PARTITIONS = 65_536;
/** Members of one cluster. */
export const MAX_NODES = 64;
/** Bytes of one request's HTTP header block; a context of 1,000 restarts of every home replica fits in. */
export const MAX_HEADER_BYTES = 64 * 1024;

/** Request deadline, milliseconds. */
export const DEFAULT_TIMEOUT_MS = 5_000;
export const MIN_TIMEOUT_MS = 1;
export const MAX_TIMEOUT_MS = 60_000;

/** Milliseconds that one Paxos round may take; a request may have several. After one that ran out of time the next may take longer. */
export const ROUND_TIMEOUT_MS = 1_000;
/** The longest that one may take, milliseconds: what comes meanwhile waits for its end. */
export const MAX_ROUND_TIMEOUT_MS = 16 * ROUND_TIMEOUT_MS;
/**
 * Milliseconds that a round which gathers more promises than a quorum waits for those beyond it, and that a linearizable read
 * waits for a replica beyond a quorum that does not agree.
 */
export const GATHER_PROMISES_MS = 50;
/** Milliseconds of the first pause after a lost round, at most; each further one may be twice as long. */
export const CONTENTION_PAUSE_MS = 4;
/** How often that is doubled. */
export const MAX_CONTENTION_DOUBLINGS = 6;
/** Rounds lost to plain writes after which a round asks all home replicas what they hold, and pauses before it. */
export const MAX_DIRTY_ROUNDS = 3;
/** Milliseconds that a round of a key for which several have just competed waits for them to come back. */
export const GATHER_CONTENDERS_MS = 8;
/** From so many on that compete for a key, those that lose are told a few at a time. */
export const MIN_RACE_CONTENDERS = 6;
/** Share of the losers that are told after each round, and the milliseconds after which one is told in any case. */
export const LOSER_RELEASE_SHARE = 0.05;
export const LOSER_HOLD_MS = 60;
/** Requests that share one round. */
export const MAX_ROUND_REQUESTS = 128;
/** Milliseconds for which a promise that came with an acceptance is kept for the next write of the key (mode `cas`). */
export const GRANT_LIFETIME_MS = 1_000;
/** Bytes of values up to which one of them is kept. */
export const MAX_GRANT_BYTES = 64 * 1024;
/** Bytes up to which a proposer remembers the object of a key. */
export const MAX_KNOWN_OBJECT_BYTES = 64 * 1024;
/** Bytes of something accepted up to which an acceptor remembers it with the state of a key. */
export const MAX_REMEMBERED_STATE_BYTES = 16 * 1024;
/** Milliseconds in which other coordinators will hardly have had so many rounds of a key that it forgets the first of them. */
export const NEW_REQUEST_MS = 100;
/** Milliseconds after which a proposer looks at its own record of a key anew, to see how far the key has come. */
export const KNOWN_OBJECT_RECENT_MS = 1_000;
/** Milliseconds after which a home replica finishes rounds that nobody has; each next one in order waits as long again. */
export const SWEEP_AFTER_MS = 3_000;
/** Milliseconds between two looks for such rounds. */
export const SWEEP_INTERVAL_MS = 1_000;
/** Rounds that are finished at once. */
export const SWEEP_CONCURRENCY = 8;
/**
 * Milliseconds after which what finishes a round gives up though nothing is amiss but that it takes long: four rounds, each twice
 * as long as the one before.
 */
export const SLOW_FINISH_TIMEOUT_MS = 15 * ROUND_TIMEOUT_MS;

/** Milliseconds from when somebody asks for a vote that this node has lost until it sees to it that it gets it back. */
export const ADMIT_AFTER_MS = 500;
/** Milliseconds for that, unless it takes long: a round that runs out of time has done so by then. */
export const ADMIT_TIMEOUT_MS = 1.5 * ROUND_TIMEOUT_MS;
/** Keys of which that is kept in mind. */
export const MAX_WANTED_VOTES = 1_024;

/** Entity tags that one condition may name. */
export const MAX_CONDITION_ETAGS = 64;
/** Milliseconds that the time of a ballot may be ahead of what an acceptor knows; beyond it the ballot is refused. */
export const MAX_BALLOT_AHEAD_MS = 60_000;

/** Bytes of one frame between nodes, its length prefix excluded. Longer messages travel in chunks. */
export const MAX_FRAME_BYTES = 256 * 1024;
/** Bytes of one message that may be put together from chunks; a record at its bounds is far below. */
export const MAX_MESSAGE_BYTES = 256 * 1024 * 1024;
/** Values (numbers, strings, arrays and so on) in one message or record: far above any context, far below exhaustion. */
export const MAX_PACKED_VALUES = 4 * 1024 * 1024;
/** Arrays inside of arrays in one message or record. */
export const MAX_PACKED_DEPTH = 12;
/** Bytes waiting to be written to one peer; beyond it new requests to that peer are refused before they are sent. */
export const MAX_PEER_QUEUE_BYTES = 64 * 1024 * 1024;
/** Bytes waiting to be written to one peer; beyond it the peer has to answer also what nobody waits for. */
export const MAX_NOTICE_QUEUE_BYTES = 1024 * 1024;
/** Requests awaiting a reply from one peer. */
export const MAX_PEER_REQUESTS = 16_384;
/** Milliseconds that a connection may take from the first byte to an accepted hello. */
export const HELLO_TIMEOUT_MS = 3_000;
/**
 * A peer that owes a reply and says nothing for this long (milliseconds) is asked for a sign of life, and suspected after as
 * long again: others are asked first then.
 */
export const PEER_PATIENCE_MS = 500;
/** A peer that owes a reply and says nothing for this long (milliseconds) is taken for gone; the connection is closed. */
export const PEER_SILENCE_MS = 10_000;
/** How much faster one monotonic clock may run than another: kernels let theirs be slewed by 500 ppm either way. */
export const MAX_CLOCK_DRIFT = 0.001;
/**
 * Milliseconds by which a request may seem to have left later than it has come. Beyond it, its sender is wrong about this node's
 * clock, which then stood still for a while, as that of a machine that is suspended.
 */
export const MAX_CLOCK_DOUBT_MS = 100;
/**
 * Milliseconds that a write may have been on its way to its coordinator and still pass for a first attempt: whoever forwarded it
 * suspects that coordinator then, and asks another one.
 */
export const MAX_WAY_OF_FIRST_ATTEMPT_MS = 2 * PEER_PATIENCE_MS;
/** Milliseconds for a sign of life where a connection is known to be doubtful. */
export const PEER_PROBE_MS = 1_000;
/** Milliseconds until a second process of a node is refused, though the first one lives: of one that has died the end comes behind its hello. */
export const CLONE_DOUBT_MS = 200;
/** Reconnect backoff, milliseconds: doubles from the first to the last, with jitter. */
export const RECONNECT_FIRST_MS = 50;
export const RECONNECT_LAST_MS = 2_000;

/**
 * A read that a replica has not answered after this many milliseconds is also asked of the next one, until it is known how long
 * replicas take; then after what they take (core/quorum/hedge-policy.ts), within these bounds.
 */
export const HEDGE_DELAY_MS = 30;
export const MIN_HEDGE_DELAY_MS = 10;
export const HEDGE_LATEST_MS = 250;
/** Milliseconds for which a node that has kept a round waiting, or was of no use to it, is asked after others. */
export const LATE_FOR_MS = 1_000;
/** Milliseconds within which all nodes answer equally soon, and those for which it is known how soon one answers. */
export const PROMPT_MS = 5;
export const PROMPTNESS_KNOWN_FOR_MS = 10_000;
/** Share of the reads that may be asked of another replica so, and how many of them may be saved up. */
export const HEDGE_SHARE = 0.1;
export const MAX_SAVED_HEDGES = 32;
/** A forwarded read that its home replica has not answered after this many milliseconds is also given to the next one, within that share. */
export const FORWARD_HEDGE_DELAY_MS = 150;
/** Read repairs that one replica owes an answer to; beyond it a repair is dropped (the next read finds it again). */
export const MAX_READ_REPAIRS = 256;

/**
 * A home replica that has not acknowledged a write after this many milliseconds, while W is not reached, is stood in for by a
 * fallback (sloppy quorums only). A read that waits for home replicas asks fallbacks after as long.
 */
export const STAND_IN_AFTER_MS = 500;

/** Milliseconds, about, from an owner's coming up, or from a hint for one that is up, to the delivery of its hints. */
export const HANDOFF_AFTER_RETURN_MS = 500;
/** Milliseconds, about, from a delivery that came to nothing to the next one: doubles from the first to the last. */
export const HANDOFF_RETRY_FIRST_MS = 1_000;
export const HANDOFF_RETRY_LAST_MS = 60_000;
/** Hinted records that are on their way to one owner at once. */
export const HANDOFF_CONCURRENCY = 8;

/** Milliseconds in which a node begins an exchange with each of its peers once, about: half of each pause is drawn. */
export const EXCHANGE_INTERVAL_MS = 10_000;
/** Milliseconds, about, from a peer's coming up to an exchange with it: what it missed is repaired first. */
export const EXCHANGE_AFTER_RETURN_MS = 1_000;
/** Milliseconds that a peer may take to answer one question of an exchange, or to take one hinted record. */
export const EXCHANGE_TIMEOUT_MS = 10_000;
/** Milliseconds after which an exchange makes room for one with another peer. It goes on later where it stopped. */
export const EXCHANGE_LIMIT_MS = 30_000;
/** Records that one exchange repairs at once. */
export const EXCHANGE_CONCURRENCY = 8;
/** Milliseconds that background work pauses between two small steps at most. */
export const MAX_PACE_MS = 100;
/** Keys on one page of a tree's keys; a peer that sends more is not read. */
export const MAX_TREE_KEYS = 512;
/** Bytes of records that one page looks at, whether they belong to it or not: what one question may cost. */
export const MAX_TREE_PAGE_BYTES = 8 * 1024 * 1024;
/** Pages that a node looks up at once for its peers. A member asks for one at a time. */
export const MAX_TREE_PAGES_AT_ONCE = 64;
/** Bytes of records that are counted into the trees before others get their turn. */
export const TREE_STEP_BYTES = 256 * 1024;
/** Milliseconds after which the trees of a partition are built anew from the data at the latest, to see what the disk silently lost. */
export const TREE_LIFETIME_MS = 6 * 60 * 60 * 1_000;
/** Milliseconds from a build of the trees of a partition to another one, if they are in doubt or could not be built. */
export const TREE_REBUILD_MS = 60_000;

/** Milliseconds between two rounds in which a node reaps tombstones, about: half of each pause is drawn. */
export const REAP_INTERVAL_MS = 10_000;
/** Milliseconds for which a deletion that was come across is kept at least, whatever the clocks say of its age. */
export const REAP_PATIENCE_MS = 60_000;
/** Milliseconds for one step of a round: longer than any request takes, for the round waits for all that are under way. */
export const REAP_STEP_MS = MAX_TIMEOUT_MS + 15_000;
/** Records in one round, and bytes of their names. */
export const MAX_REAP_ENTRIES = 1_024;
export const MAX_REAP_NAME_BYTES = 128 * 1024;
/** Deletions that a node has in mind to be reaped; those beyond are found again when it goes through its records. */
export const MAX_REAP_CANDIDATES = 50_000;
/** Milliseconds after which a record that could not be reaped is tried again. */
export const REAP_RETRY_MS = 60_000;

/** Ids of stores that a node names as lost, the newest ones. */
export const MAX_LOST_STORES = 16;
/**
 * Openings of a store that are listed, this one included. One that has fallen off the list is not told from one that a loss took
 * away, and counts as that: so there are more than a node is started while a peer is away.
 */
export const MAX_OPENINGS = 64;
/** Milliseconds from when a peer's store is heard to have gone on until that is written down. */
export const REMEMBER_PEERS_MS = 5_000;
/** Milliseconds for which a node that has lost its store waits at most until a peer has ended the rounds that it had with that store. */
export const LOST_STORE_ROUNDS_MS = 10_000;
/** Milliseconds after which it is answered that they have not ended yet. */
export const LOST_STORE_ANSWER_MS = 4_000;
/** Milliseconds after which a node that has lost something tries again what did not come to its end. */
export const RECOVERY_RETRY_MS = 2_000;
/** Milliseconds after which the recovery with one peer makes room for that with another. */
export const RECOVERY_ROUND_MS = 30_000;
/** Reads that have to fail alike before a stored record is taken for damaged, and not for garbled on its way. */
export const DAMAGE_READS = 20;

/** Bytes of one group-commit batch. */
export const MAX_BATCH_BYTES = 8 * 1024 * 1024;
/** Milliseconds that a write for which nobody waits stays behind for the next batch. */
export const UNHURRIED_COMMIT_MS = 5;
/** Bytes of writes waiting for a group commit; beyond it client writes are shed. */
export const MAX_COMMIT_QUEUE_BYTES = 128 * 1024 * 1024;

/** Bounds that an operator may set (cluster.config.json, `limits` and `storage`). */
export interface Limits {
  /** Bytes of one value. */
  readonly maxValueBytes: number;
  /** Siblings (live and tombstones) that a blind PUT may bring a record to; beyond it 409 `sibling-limit`. */
  readonly maxSiblings: number;
  /** Bytes of all values together that a blind PUT may bring a record with siblings to; beyond it 409 `sibling-limit`. */
  readonly maxRecordBytes: number;
  /** Client operations being coordinated at once on one node; beyond it 503 `overloaded`. */
  readonly maxOperationsInFlight: number;
  /** Records that a node keeps for one home replica that is away; beyond it new ones for that one are refused. */
  readonly maxHintsPerOwner: number;
  /** Bytes of all records, as they were when they came, that a node keeps for others; beyond it new ones are refused. */
  readonly maxHintBytes: number;
  /** Free bytes of the data directory's file system below which client writes are refused with 507; 0 turns it off. */
  readonly reserveBytes: number;
}

export const DEFAULT_LIMITS: Limits = {
  maxValueBytes: 1024 * 1024,
  maxSiblings: 64,
  maxRecordBytes: 16 * 1024 * 1024,
  maxOperationsInFlight: 4_096,
  maxHintsPerOwner: 1_000_000,
  maxHintBytes: 1024 * 1024 * 1024,
  reserveBytes: 64 * 1024 * 1024,
};
