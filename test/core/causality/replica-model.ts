/**
 * A replica of one key without network and disk: what it holds durably, and who it is when it mints. It does with the
 * rules of core/causality exactly what a node does. The rules are parameters, so that a test can show that it would
 * notice a wrong one.
 */
import { type CausalContext, EMPTY_CONTEXT, withDot } from '../../../src/core/causality/causal-context.ts';
import {
  decideByIdentity,
  decideWrite,
  type Minter,
  type ProposedWrite,
  type WriteDecision,
} from '../../../src/core/causality/decide-write.ts';
import type { Dot } from '../../../src/core/causality/dot.ts';
import { joinRecords } from '../../../src/core/causality/join.ts';
import { isAheadOn, mintDot, recordOfWrite } from '../../../src/core/causality/mint.ts';
import type { KeyRecord } from '../../../src/core/causality/record.ts';
import type { Incarnation } from '../../../src/core/ids.ts';
import { DEFAULT_LIMITS } from '../../../src/core/limits.ts';
import { incarnation } from './sample-records.ts';

export interface ReplicaRules {
  readonly decideWrite: (local: KeyRecord | undefined, write: ProposedWrite, minter: Minter) => WriteDecision;
  readonly joinRecords: (left: KeyRecord, right: KeyRecord) => KeyRecord;
  /** Whether a record from a peer proves that this replica lost something. */
  readonly isAheadOn: typeof isAheadOn;
  /** The context that a client gets with the answer to its write. */
  readonly answerContext: (seen: CausalContext | undefined, written: Dot, record: KeyRecord) => CausalContext;
  readonly renewsIncarnationAtStart: boolean;
}

export const PRODUCTION_RULES: ReplicaRules = {
  decideWrite: (local, write, minter) => decideWrite(local, write, minter, DEFAULT_LIMITS),
  joinRecords,
  isAheadOn,
  answerContext: (seen, written) => withDot(seen ?? EMPTY_CONTEXT, written),
  renewsIncarnationAtStart: true,
};

export interface WriteParts {
  readonly mintDot: typeof mintDot;
  readonly isAheadOn: typeof isAheadOn;
  readonly recordOfWrite: typeof recordOfWrite;
  readonly joinRecords: typeof joinRecords;
}

/** The production rules with some of the functions that a write is made of exchanged. */
export function rulesWith(exchanged: Partial<WriteParts>): ReplicaRules {
  const parts: WriteParts = { mintDot, isAheadOn, recordOfWrite, joinRecords, ...exchanged };
  return {
    ...PRODUCTION_RULES,
    joinRecords: parts.joinRecords,
    isAheadOn: parts.isAheadOn,
    decideWrite: (local, write, { incarnation: self, openEpoch }) => {
      const earlier = decideByIdentity(local, write);
      if (earlier !== undefined) return earlier;
      if (write.seen !== undefined && parts.isAheadOn(self, write.seen, local)) {
        return { type: 'local-store-lost-something' };
      }
      const minted = parts.mintDot(local, self, openEpoch);
      const alone = parts.recordOfWrite({ ...write, dot: minted, created: false });
      const record = local === undefined ? alone : parts.joinRecords(local, alone);
      return { type: 'minted', dot: minted, record };
    },
  };
}

interface Disk {
  record: KeyRecord | undefined;
  /** Bit i: the i-th dot minted in this history has reached this replica. The rules do not know it. */
  reached: number;
  /** Drawn anew at every start; on the disk only for rules that do without that. */
  incarnation: Incarnation;
  epochs: number;
}

export class ReplicaModel {
  readonly name: string;
  readonly #rules: ReplicaRules;
  #disk: Disk;
  #snapshot: Disk;
  #incarnations = 0;

  constructor(name: string, rules: ReplicaRules = PRODUCTION_RULES) {
    this.name = name;
    this.#rules = rules;
    this.#disk = { record: undefined, reached: 0, incarnation: this.#drawIncarnation(), epochs: 0 };
    this.#snapshot = { ...this.#disk };
  }

  get record(): KeyRecord | undefined {
    return this.#disk.record;
  }

  get reached(): number {
    return this.#disk.reached;
  }

  get incarnation(): Incarnation {
    return this.#disk.incarnation;
  }

  /** Takes a client's write, as a node does: becomes somebody else first if its store is seen to have lost something. */
  coordinate(
    write: ProposedWrite,
    number: number,
  ): Exclude<WriteDecision, { type: 'local-store-lost-something' }> {
    for (;;) {
      const decision = this.#rules.decideWrite(this.record, write, this.#minter());
      if (decision.type === 'local-store-lost-something') {
        this.#renewIncarnation();
        continue;
      }
      if (decision.type === 'minted') this.#keep(decision.record, this.reached | (1 << number));
      return decision;
    }
  }

  /** Takes a record from a peer: read repair, handoff and anti-entropy alike. */
  receive(incoming: KeyRecord, reached: number): void {
    const local = this.record;
    if (this.#rules.isAheadOn(this.incarnation, incoming.context, local)) this.#renewIncarnation();
    const joined = local === undefined ? incoming : this.#rules.joinRecords(local, incoming);
    this.#keep(joined, this.reached | reached);
  }

  sendTo(peer: ReplicaModel): void {
    if (this.record !== undefined && peer !== this) peer.receive(this.record, this.reached);
  }

  /** Loses the record while the process runs on, which does not notice. */
  forget(): void {
    this.#keep(undefined, 0);
  }

  restart(): void {
    if (this.#rules.renewsIncarnationAtStart) this.#renewIncarnation();
  }

  takeSnapshot(): void {
    this.#snapshot = { ...this.#disk };
  }

  /** Only the record goes back to the last snapshot, while the process runs on, which does not notice. */
  loseLatestWrites(): void {
    this.#keep(this.#snapshot.record, this.#snapshot.reached);
  }

  /** The whole disk goes back to the last snapshot (or to the beginning), and the process starts again. */
  rollBack(): void {
    this.#disk = { ...this.#snapshot };
    this.restart();
  }

  #minter(): Minter {
    return {
      incarnation: this.incarnation,
      openEpoch: () => {
        this.#disk.epochs += 1;
        return this.#disk.epochs;
      },
    };
  }

  #keep(record: KeyRecord | undefined, reached: number): void {
    this.#disk.record = record;
    this.#disk.reached = reached;
  }

  #renewIncarnation(): void {
    this.#disk.incarnation = this.#drawIncarnation();
    this.#disk.epochs = 0;
  }

  #drawIncarnation(): Incarnation {
    this.#incarnations += 1;
    return incarnation(`${this.name}x${this.#incarnations}x`);
  }
}

/** Hands every record to every replica, along a chain and back, so that each joins them in another order. */
export function exchangeFully(replicas: readonly ReplicaModel[]): void {
  for (let i = 1; i < replicas.length; i += 1) replicas[i - 1]?.sendTo(replicas[i] as ReplicaModel);
  for (let i = replicas.length - 1; i > 0; i -= 1) replicas[i]?.sendTo(replicas[i - 1] as ReplicaModel);
}
