/**
 * One random history of plain and conditional writes and linearizable reads of a key, through whole nodes, under faults. Plain
 * writes that a majority of the home replicas stored count as ordered with the others; all else of them may take effect or not. A
 * function of its seed.
 */
import { etagOf } from '../../../src/codec/hash.ts';
import type { CausalContext } from '../../../src/core/causality/causal-context.ts';
import type { KeyRecord } from '../../../src/core/causality/record.ts';
import { liveSiblings } from '../../../src/core/causality/visible-siblings.ts';
import type { EntryName } from '../../../src/core/ids.ts';
import type { ConditionalOutcome, PutOutcome } from '../../../src/core/outcome.ts';
import type { KeyOperation, KeyRequest, Writes } from '../../core/paxos/model/linearizability.ts';
import { casOf, linearizableOf, putOf } from '../requests.ts';
import { type DiskFaults, FaultyCluster } from './faulty-cluster.ts';

export interface MixedHistory {
  readonly operations: readonly KeyOperation[];
  readonly bugs: readonly unknown[];
}

const ENTRY: EntryName = { bucket: 'things', key: 'key' };
const TIMEOUT_MS = 600;
/** With the last read no more than the checker takes. */
const MAX_OPERATIONS = 14;
const CLIENTS = 3;

interface Sight {
  readonly writes: Writes;
  readonly etag: string;
  readonly context: CausalContext;
  readonly hasLive: boolean;
}

export function runMixedHistory(seed: number, disks: DiskFaults): Promise<MixedHistory> {
  return new MixedClients(seed, disks).run();
}

class MixedClients {
  readonly #cluster: FaultyCluster;
  readonly #operations: KeyOperation[] = [];
  #begun = 0;

  constructor(seed: number, disks: DiskFaults) {
    this.#cluster = new FaultyCluster(seed, disks);
  }

  async run(): Promise<MixedHistory> {
    const cluster = this.#cluster;
    await cluster.runWithFaults(() => Promise.all(Array.from({ length: CLIENTS }, () => this.#client())));
    await cluster.runUntil(this.#read());
    return { operations: this.#operations, bugs: cluster.bugs };
  }

  async #client(): Promise<void> {
    let sight: Sight | undefined;
    while (this.#begun < MAX_OPERATIONS) {
      await this.#cluster.sleep(this.#cluster.draw.fraction() * 150);
      const drawn = this.#cluster.draw.fraction();
      if (drawn < 0.35 || sight === undefined) sight = (await this.#read()) ?? sight;
      else if (drawn < 0.65) await this.#put(drawn < 0.5 ? sight : undefined);
      else sight = (await this.#cas(sight, drawn < 0.72)) ?? sight;
    }
  }

  async #read(): Promise<Sight | undefined> {
    const number = this.#begin();
    const calledAt = this.#cluster.step();
    const outcome = await this.#cluster.ask((node) => node.conditional(linearizableOf(ENTRY, TIMEOUT_MS)));
    if (outcome?.type !== 'read') return undefined;
    return this.#shown({ number, calledAt, request: { type: 'read' } }, outcome.record);
  }

  async #put(sight: Sight | undefined): Promise<void> {
    const number = this.#begin();
    const calledAt = this.#cluster.step();
    const request = putOf(ENTRY, `w${number}`, {
      context: sight?.context,
      identity: { id: `w${number}`, firstAttempt: true },
      timeoutMs: TIMEOUT_MS,
    });
    const outcome = await this.#cluster.ask((node) => node.put(request));
    this.#written({ number, calledAt, request: { type: 'put', replaces: sight?.writes ?? 0 } }, outcome);
  }

  async #cas(sight: Sight, isDelete: boolean): Promise<Sight | undefined> {
    const number = this.#begin();
    const calledAt = this.#cluster.step();
    const isCreate = !sight.hasLive;
    const asked: KeyRequest = isCreate
      ? { type: 'create' }
      : { type: isDelete ? 'cas-delete' : 'cas', expected: sight.writes };
    const request = casOf(ENTRY, isDelete && !isCreate ? undefined : `w${number}`, {
      ...{ ifMatch: isCreate ? 'absent' : sight.etag, id: `w${number}`, timeoutMs: TIMEOUT_MS },
    });
    const outcome = await this.#cluster.ask((node) => node.conditional(request));
    const operation = { number, calledAt, request: asked };
    if (outcome?.type === 'precondition-failed') return this.#shown(operation, outcome.record);
    this.#written(operation, outcome);
    return undefined;
  }

  #written(
    operation: Pick<KeyOperation, 'number' | 'calledAt' | 'request'>,
    outcome: PutOutcome | ConditionalOutcome | undefined,
  ): void {
    if (outcome?.type === 'failed' && outcome.certainty === 'not-applied') return;
    const isOrdered = outcome?.type === 'written' && outcome.quorum.ordered;
    this.#operations.push({
      ...operation,
      returnedAt: isOrdered ? this.#cluster.step() : Number.POSITIVE_INFINITY,
      outcome: { type: isOrdered ? 'ok' : 'unknown' },
    });
  }

  #shown(
    operation: Pick<KeyOperation, 'number' | 'calledAt' | 'request'>,
    record: KeyRecord | undefined,
  ): Sight | undefined {
    const siblings = record?.siblings ?? [];
    const state = siblings.reduce((bits, { writeId }) => bits | (1 << Number(writeId?.slice(1))), 0);
    const returnedAt = this.#cluster.step();
    this.#operations.push({ ...operation, returnedAt, outcome: { type: 'shown', state } });
    if (record === undefined)
      return { writes: 0, etag: '', context: { vector: new Map(), cloud: new Map() }, hasLive: false };
    const hasLive = liveSiblings(record).length > 0;
    return { writes: state, etag: etagOf(record), context: record.context, hasLive };
  }

  #begin(): number {
    this.#begun += 1;
    return this.#begun - 1;
  }
}
