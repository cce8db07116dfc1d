/**
 * One random history of conditional writes and linearizable reads of a key, through whole nodes, under faults. A function of its
 * seed.
 */
import type { BucketMode } from '../../../src/core/cluster-config.ts';
import type { EntryName } from '../../../src/core/ids.ts';
import type { ConditionalOutcome } from '../../../src/core/outcome.ts';
import type { KeyRecord } from '../../../src/core/causality/record.ts';
import { etagOf } from '../../../src/codec/hash.ts';
import { textsOf } from '../../core/causality/sample-records.ts';
import { type ChainOperation, INITIAL_TOKEN } from '../../sim/linearizability/chain-check.ts';
import { type DiskFaults, FaultyCluster } from './faulty-cluster.ts';
import { casOf, linearizableOf } from '../requests.ts';

export interface HistoryTally {
  readonly operations: readonly ChainOperation[];
  readonly bugs: readonly unknown[];
  /** How many operations came to what. */
  readonly counts: Readonly<Record<string, number>>;
  readonly losses: number;
  readonly votesAgain: number;
  /** What a last read, when all faults were over, came to. */
  readonly end: ConditionalOutcome | undefined;
}

const ENTRIES = { mixed: { bucket: 'things', key: 'key' }, cas: { bucket: 'ledger', key: 'key' } } as const;
const TIMEOUT_MS = 600;
const CLIENTS = 3;

/** What a client knows of the key: the token that it read last, and its tag. */
interface Sight {
  token: string;
  etag: string;
}

/** How much each client does. */
export interface ClientPace {
  readonly operations: number;
  /** Milliseconds between two of them, at most. */
  readonly pauseMs: number;
}

const BRISK: ClientPace = { operations: 12, pauseMs: 150 };
export const LONG: ClientPace = { operations: 40, pauseMs: 3_000 };

export interface ClusterHistoryOptions {
  readonly disks: DiskFaults;
  /** Of the key's bucket. */
  readonly mode: BucketMode;
  /** Brisk, if it is not set. */
  readonly pace?: ClientPace;
}

export async function runClusterHistory(seed: number, options: ClusterHistoryOptions): Promise<HistoryTally> {
  return new ClusterHistory(seed, options).run();
}

class ClusterHistory {
  readonly #cluster: FaultyCluster;
  readonly #entry: EntryName;
  readonly #pace: ClientPace;
  readonly #operations: ChainOperation[] = [];
  readonly #counts: Record<string, number> = {};
  #writes = 0;

  constructor(seed: number, { disks, mode, pace = BRISK }: ClusterHistoryOptions) {
    this.#cluster = new FaultyCluster(seed, disks);
    this.#entry = ENTRIES[mode];
    this.#pace = pace;
  }

  async run(): Promise<HistoryTally> {
    const cluster = this.#cluster;
    await cluster.runWithFaults(() => Promise.all(Array.from({ length: CLIENTS }, () => this.#client())));
    const end = await cluster.runUntil(this.#lastRead());
    return { operations: this.#operations, bugs: cluster.bugs, counts: this.#counts, end, ...cluster.tally };
  }

  async #client(): Promise<void> {
    const sight: Sight = { token: INITIAL_TOKEN, etag: 'absent' };
    const { operations, pauseMs } = this.#pace;
    for (let count = 0; count < operations; count += 1) {
      await this.#cluster.sleep(this.#cluster.draw.fraction() * pauseMs);
      if (this.#cluster.draw.fraction() < 0.3) await this.#read(sight);
      else await this.#write(sight);
    }
  }

  async #read(sight: Sight): Promise<void> {
    const calledAt = this.#cluster.step();
    const outcome = await this.#cluster.ask((node) =>
      node.conditional(linearizableOf(this.#entry, TIMEOUT_MS)),
    );
    if (outcome?.type === 'read') this.#seen(calledAt, outcome.record, sight);
    else this.#count('read failed');
  }

  async #write(sight: Sight): Promise<void> {
    this.#writes += 1;
    const token = `w${this.#writes}`;
    const { token: expected, etag } = sight;
    const calledAt = this.#cluster.step();
    const write = { type: 'write', id: calledAt, calledAt, expected, token } as const;
    for (let attempt = 1; ; attempt += 1) {
      const request = casOf(this.#entry, token, {
        ...{ ifMatch: etag, id: token, firstAttempt: attempt === 1, timeoutMs: TIMEOUT_MS },
      });
      const outcome = await this.#cluster.ask((node) => node.conditional(request));
      if (outcome?.type === 'written') {
        this.#count('written');
        this.#operations.push({ ...write, returnedAt: this.#cluster.step() });
        sight.token = token;
        sight.etag = outcome.etag as string;
        return;
      }
      if (outcome?.type === 'precondition-failed') {
        this.#count(attempt === 1 ? 'refused' : 'refused later');
        this.#seen(calledAt, outcome.record, sight);
        return;
      }
      if (outcome?.type === 'failed' && outcome.certainty === 'not-applied') {
        this.#count(outcome.code);
        return;
      }
      if (attempt === 3 || this.#cluster.draw.fraction() < 0.3) {
        this.#count('unknown');
        this.#operations.push({ ...write, returnedAt: Number.POSITIVE_INFINITY });
        return;
      }
    }
  }

  #seen(calledAt: number, record: KeyRecord | undefined, sight: Sight): void {
    const [text, ...others] = record === undefined ? [] : textsOf(record);
    if (others.length > 0) this.#cluster.bugs.push(new Error('siblings, though nobody writes plainly'));
    this.#count('seen');
    const token = text ?? INITIAL_TOKEN;
    this.#operations.push({ type: 'read', id: calledAt, calledAt, returnedAt: this.#cluster.step(), token });
    sight.token = token;
    sight.etag = record === undefined ? 'absent' : etagOf(record);
  }

  async #lastRead(): Promise<ConditionalOutcome | undefined> {
    const calledAt = this.#cluster.step();
    const outcome = await this.#cluster.ask((node) => node.conditional(linearizableOf(this.#entry, 5_000)));
    if (outcome?.type === 'read') this.#seen(calledAt, outcome.record, { token: '', etag: '' });
    return outcome;
  }

  #count(what: string): void {
    this.#counts[what] = (this.#counts[what] ?? 0) + 1;
  }
}
