/**
 * The metrics of one server, in a registry of its own. Names and units follow Prometheus conventions. Labelled children
 * are resolved once: looking them up costs more than counting.
 */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { PROBLEMS, type ProblemCode } from '../../api/errors.ts';
import { fixedHistogram, type Series } from './fixed-histogram.ts';
import { watchSentMessages, type SentTotals } from './network-metrics.ts';
import { createPaxosMetrics, type PaxosMetrics } from './paxos-metrics.ts';
import { VERSION } from '../version.ts';

const LATENCY_BUCKETS_SECONDS = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60,
];
const COMMIT_BUCKETS_SECONDS = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1,
];
const SIBLING_BUCKETS = [1, 2, 3, 5, 8, 16, 32, 64];
const METHODS = ['GET', 'HEAD', 'PUT', 'DELETE'] as const;
const CODE_CLASSES = ['2xx', '3xx', '4xx', '5xx'] as const;

/** What a node keeps for one other. */
export interface OwnedHints {
  readonly owner: string;
  readonly count: number;
  readonly bytes: number;
  readonly oldestAgeMs: number;
}

export interface Metrics extends PaxosMetrics {
  readonly registry: Registry;
  /** Counts one finished request on an entry; anything but GET, HEAD, PUT, DELETE is left out. */
  observeRequest(method: string, status: number, seconds: number): void;
  countProblem(code: ProblemCode): void;
  /** Asks for the number of requests in flight whenever it is scraped. */
  watchInFlight(inFlight: () => number): void;
  readonly freeSpace: Gauge;
  readonly peersUp: Gauge;
  readonly peerChanges: Counter<'change'>;
  readonly hellosRefused: Counter;
  readonly peerStoresLost: Counter<'kind'>;
  readonly clonesRefused: Counter;
  readonly storeLosses: Counter<'kind'>;
  readonly recoveringPartitions: Gauge;
  readonly replacedRecords: Counter;
  readonly malformedFrames: Counter;
  readonly readRepairs: Counter<'result'>;
  readonly hedgedReads: Counter;
  readonly readsOfAll: Counter<'result'>;
  readonly staleReplicas: Counter;
  readonly exchanges: Counter<'result'>;
  readonly repairedRecords: Counter;
  readonly hintsStored: Counter;
  readonly hintsRefused: Counter;
  readonly hintsDelivered: Counter;
  readonly reapRounds: Counter<'result'>;
  readonly reapedTombstones: Counter;
  readonly collectedKeys: Counter;
  /** Asks for what the node keeps for others whenever it is scraped. */
  watchHints(pending: () => readonly OwnedHints[]): void;
  /** Asks for what the node has sent to others whenever it is scraped. */
  watchSentMessages(sent: () => SentTotals): void;
  readonly forwarded: Counter<'operation'>;
  readonly incarnationsRenewed: Counter;
  readonly dotCollisions: Counter;
  readonly unreadableRecords: Counter;
  readonly storageFailures: Counter;
  readonly commitSeconds: Histogram;
  readonly commitEntries: Counter;
  readonly commitBytes: Counter;
  readonly siblings: Series;
}

/** Makes every instrument of one node. */
export function createMetrics(nodeId: string): Metrics {
  const registry = new Registry();
  registry.setDefaultLabels({ node: nodeId });
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const counter = (name: string, help: string): Counter => new Counter({ name, help, registers });
  const gauge = (name: string, help: string): Gauge => new Gauge({ name, help, registers });
  new Gauge({
    name: 'quorate_build_info',
    help: 'Always 1; its version is a label.',
    labelNames: ['version'],
    registers,
  })
    .labels(VERSION)
    .set(1);
  const [siblings] = fixedHistogram({
    name: 'quorate_record_siblings',
    help: 'Siblings in records that this node wrote as a coordinator.',
    buckets: SIBLING_BUCKETS,
    labels: [{}],
    registry,
  });
  return {
    ...createPaxosMetrics(registry),
    registry,
    observeRequest: requestObserver(registry),
    countProblem: problemCounter(registry),
    watchInFlight: (inFlight) => watchInFlight(registry, inFlight),
    freeSpace: gauge('quorate_storage_free_bytes', 'Free bytes below the data directory.'),
    peersUp: gauge('quorate_peers_connected', 'Peers that this node is connected to.'),
    peerChanges: new Counter({
      name: 'quorate_peer_changes_total',
      help: 'Peers that came up or went down.',
      labelNames: ['change'],
      registers,
    }),
    hellosRefused: counter('quorate_hellos_refused_total', 'Connections of peers that were refused.'),
    peerStoresLost: new Counter({
      name: 'quorate_peer_stores_lost_total',
      help: 'Peers that came back with another store, or an older state of theirs, by kind.',
      labelNames: ['kind'],
      registers,
    }),
    clonesRefused: counter(
      'quorate_clones_refused_total',
      'Second processes of a node, or of its data directory, that were refused.',
    ),
    storeLosses: new Counter({
      name: 'quorate_store_losses_total',
      help: 'Times that this node was found to have lost what it had stored, by kind.',
      labelNames: ['kind'],
      registers,
    }),
    recoveringPartitions: gauge(
      'quorate_recovering_partitions',
      'Partitions of which this node has not got back yet what it lost.',
    ),
    replacedRecords: counter(
      'quorate_replaced_records_total',
      "Damaged records that were replaced by a peer's.",
    ),
    malformedFrames: counter(
      'quorate_malformed_frames_total',
      'Connections closed over bytes that were no messages.',
    ),
    readRepairs: new Counter({
      name: 'quorate_read_repairs_total',
      help: 'Read repairs by result.',
      labelNames: ['result'],
      registers,
    }),
    exchanges: new Counter({
      name: 'quorate_anti_entropy_exchanges_total',
      help: 'Comparisons with a peer that this node began, by result.',
      labelNames: ['result'],
      registers,
    }),
    repairedRecords: counter(
      'quorate_anti_entropy_repaired_records_total',
      'Records that this node or a peer took because they were compared.',
    ),
    hintsStored: counter(
      'quorate_hints_stored_total',
      'Records that this node began to keep for a home replica that was away.',
    ),
    hintsRefused: counter('quorate_hints_refused_total', 'Records that this node did not keep for another.'),
    hintsDelivered: counter(
      'quorate_hints_delivered_total',
      'Hints that ended because their owner holds the record.',
    ),
    reapRounds: new Counter({
      name: 'quorate_reap_rounds_total',
      help: 'Rounds in which this node set about reaping deleted keys, by result.',
      labelNames: ['result'],
      registers,
    }),
    reapedTombstones: counter(
      'quorate_reaped_tombstones_total',
      'Records of deleted keys that this node has let go.',
    ),
    collectedKeys: counter(
      'quorate_collected_keys_total',
      'Those of them of which it has forgotten promises and acceptances, too.',
    ),
    watchHints: (pending) => watchHints(registry, pending),
    watchSentMessages: (sent) => watchSentMessages(registry, sent),
    hedgedReads: counter(
      'quorate_hedged_reads_total',
      'Reads also asked of another replica because one was late.',
    ),
    readsOfAll: new Counter({
      name: 'quorate_reads_of_all_total',
      help: 'Reads that asked all home replicas, by whether these were equal.',
      labelNames: ['result'],
      registers,
    }),
    staleReplicas: counter(
      'quorate_stale_replicas_total',
      'Home replicas that reads of all of them found behind.',
    ),
    forwarded: new Counter({
      name: 'quorate_forwarded_requests_total',
      help: 'Requests that this node, being no home replica, gave to one.',
      labelNames: ['operation'],
      registers,
    }),
    incarnationsRenewed: counter(
      'quorate_incarnations_renewed_total',
      'New incarnations because the store lost something.',
    ),
    dotCollisions: counter(
      'quorate_dot_collisions_total',
      'Equal dots with different bytes. A bug: must stay 0.',
    ),
    unreadableRecords: counter('quorate_unreadable_records_total', 'Stored records that could not be read.'),
    storageFailures: counter(
      'quorate_storage_failures_total',
      'Failed writes to the disk; the first stops the node.',
    ),
    commitSeconds: new Histogram({
      name: 'quorate_commit_duration_seconds',
      help: 'Time of one group commit, fsync included.',
      buckets: COMMIT_BUCKETS_SECONDS,
      registers,
    }),
    commitEntries: counter('quorate_commit_entries_total', 'Entries written by group commits.'),
    commitBytes: counter('quorate_commit_bytes_total', 'Bytes written by group commits.'),
    siblings: siblings as Series,
  };
}

function requestObserver(registry: Registry): Metrics['observeRequest'] {
  const series = fixedHistogram({
    name: 'quorate_http_request_duration_seconds',
    help: 'Time from the headers of a request on an entry to its answer.',
    buckets: LATENCY_BUCKETS_SECONDS,
    labels: METHODS.flatMap((method) => CODE_CLASSES.map((code) => ({ method, code }))),
    registry,
  });
  const { length } = CODE_CLASSES;
  const ofMethod = new Map<string, readonly Series[]>(
    METHODS.map((method, index) => [method, series.slice(index * length, (index + 1) * length)]),
  );
  return (method, status, seconds) => ofMethod.get(method)?.[Math.floor(status / 100) - 2]?.observe(seconds);
}

function problemCounter(registry: Registry): Metrics['countProblem'] {
  const counter = new Counter({
    name: 'quorate_http_problems_total',
    help: 'Problems answered, by code.',
    labelNames: ['code'] as const,
    registers: [registry],
  });
  const counters = new Map(Object.keys(PROBLEMS).map((code) => [code, counter.labels(code)]));
  return (code) => counters.get(code)?.inc();
}

function watchInFlight(registry: Registry, inFlight: () => number): void {
  new Gauge({
    name: 'quorate_http_requests_in_flight',
    help: 'Requests of clients that are running.',
    registers: [registry],
    collect() {
      this.set(inFlight());
    },
  });
}

function watchHints(registry: Registry, pending: () => readonly OwnedHints[]): void {
  const gauge = (name: string, help: string, valueOf: (hints: OwnedHints) => number): Gauge =>
    new Gauge({
      name,
      help,
      labelNames: ['owner'],
      registers: [registry],
      collect() {
        this.reset();
        for (const hints of pending()) this.set({ owner: hints.owner }, valueOf(hints));
      },
    });
  gauge('quorate_hints_pending', 'Records that this node keeps for another.', ({ count }) => count);
  gauge('quorate_hints_pending_bytes', 'Bytes of them, as they came.', ({ bytes }) => bytes);
  gauge(
    'quorate_hints_oldest_age_seconds',
    'Age of the oldest of them.',
    ({ oldestAgeMs }) => oldestAgeMs / 1_000,
  );
}
