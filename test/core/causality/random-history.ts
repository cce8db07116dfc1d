/**
 * Random histories of one key with an oracle that knows what no replica knows: which events each client had really
 * seen. (Trusting the token would miss a token that covers too much.)
 *
 * Two to six replicas (a few make rare things meet more often), two to four clients, 10 to 20 operations: reads, writes
 * with and without a context, deletes, retries of a write through any coordinator, replication of any pair at once or
 * late, lost acknowledgements, lost records, restarts, snapshots and rollbacks. Then all replicas exchange their
 * records, and:
 *
 * - an event is live iff no other event's client had seen it (history-oracle.ts);
 * - all replicas are equal, no dot has two values, and no event is shown twice.
 *
 * What is assumed, because no store can do better:
 * - A write counts at the end only if some replica still holds or knows it: if every copy was forgotten or rolled back,
 *   it is neither expected nor superseding anything.
 * - A retried write has several dots. Who saw it under one of them has seen the event, but if nobody remembers that dot
 *   any more, nobody can tell that it was the same event: such an event may be live or not (`undecided`).
 * - A client may repeat a write with a newer context than the first time, which may hold the write itself. Such a repeat
 *   is another request: who saw the event only under the dots of one request need not have superseded those of another.
 * - Writes are acknowledged at W = 1 and reads are answered at R = 1, which is weaker than any quorum.
 * - A history has fewer writes than a record remembers write ids, unless the caller says that it outgrows the window.
 */
import {
  type CausalContext,
  EMPTY_CONTEXT,
  sameContext,
} from '../../../src/core/causality/causal-context.ts';
import type { ProposedWrite } from '../../../src/core/causality/decide-write.ts';
import type { KeyRecord, Sibling } from '../../../src/core/causality/record.ts';
import { findViolation } from './history-check.ts';
import { type Operation, OPERATIONS } from './history-operations.ts';
import {
  type Event,
  judge,
  type Knowledge,
  type Mint,
  type Mints,
  nameOf,
  type Request,
} from './history-oracle.ts';
import { exchangeFully, ReplicaModel, type ReplicaRules } from './replica-model.ts';
import { describeContext, value } from './sample-records.ts';
import { seededDraw } from './seeded-draw.ts';

const REPLICAS = ['p1', 'p2', 'p3', 'f1', 'f2', 'f3'];
const MIN_OPERATIONS = 10;
const MAX_OPERATIONS = 20;

interface Client {
  knowledge: Knowledge;
}

const NOTHING_SEEN: Knowledge = { context: undefined, seen: 0 };

export interface HistoryResult {
  readonly violation: string | undefined;
  readonly events: number;
  readonly undecided: number;
  /** Every record that a replica held at some time; only if it was asked for. */
  readonly records: readonly KeyRecord[];
}

export interface HistoryOptions {
  readonly seed: number;
  readonly rules: ReplicaRules;
  /** Called with a line per operation. */
  readonly onOperation?: (line: string) => void;
  readonly collectRecords?: boolean;
  /** The history may have more writes than a record remembers: a late retry may then show again, but nothing is lost. */
  readonly outgrowsWindow?: boolean;
}

/** Runs the history that the seed (any integer) stands for: the same seed, the same history. */
export function runHistory(options: HistoryOptions): HistoryResult {
  return new History(options).run();
}

class History {
  readonly #draw: (below: number) => number;
  readonly #replicas: readonly ReplicaModel[];
  readonly #clients: readonly Client[];
  readonly #events: Event[] = [];
  readonly #mints: Mint[] = [];
  readonly #inFlight: { readonly record: KeyRecord; readonly reached: Mints }[] = [];
  readonly #records: KeyRecord[] = [];
  readonly #options: HistoryOptions;

  constructor(options: HistoryOptions) {
    this.#options = options;
    this.#draw = seededDraw(options.seed);
    const names = REPLICAS.slice(0, 2 + this.#draw(REPLICAS.length - 1));
    this.#replicas = names.map((name) => new ReplicaModel(name, options.rules));
    this.#clients = Array.from({ length: 2 + this.#draw(3) }, () => ({ knowledge: NOTHING_SEEN }));
  }

  run(): HistoryResult {
    const operations = MIN_OPERATIONS + this.#draw(MAX_OPERATIONS - MIN_OPERATIONS + 1);
    for (let i = 0; i < operations; i += 1) this.#step(this.#pick(OPERATIONS));
    // Past the window joins are not associative any more, so that it can take more than one round to agree.
    for (let rounds = this.#options.outgrowsWindow === true ? 3 : 1; rounds > 0; rounds -= 1) {
      exchangeFully(this.#replicas);
    }
    this.#note();
    const known = this.#replicas.reduce((mints, { reached }) => mints | reached, 0);
    const judgement = judge(this.#events, this.#mints, known);
    return {
      violation: findViolation(this.#replicas, this.#mints, judgement, this.#options.outgrowsWindow ?? false),
      events: this.#events.length,
      undecided: judgement.undecided.size,
      records: this.#records,
    };
  }

  #step(operation: Operation): void {
    // One replica does most of the work, so that what it forgets and what others remember of it meet.
    const replica = this.#pick(this.#draw(2) === 0 ? this.#replicas.slice(0, 1) : this.#replicas);
    const client = this.#pick(this.#clients);
    switch (operation) {
      case 'read':
        return this.#read(client, replica);
      case 'write':
      case 'delete':
        return this.#write(client, replica, operation === 'delete', client.knowledge);
      case 'blind-write':
        return this.#write(client, replica, false, NOTHING_SEEN);
      case 'retry':
        return this.#retry(client, replica);
      case 'replicate':
        return this.#replicate(replica, this.#pick(this.#replicas));
      case 'send':
        if (replica.record !== undefined)
          this.#inFlight.push({ record: replica.record, reached: replica.reached });
        return this.#log(`${replica.name} sends`);
      case 'deliver':
        return this.#deliver(replica);
      case 'forget':
        return this.#forget(replica);
      case 'restart':
        replica.restart();
        return this.#log(`${replica.name} restarts`);
      case 'snapshot':
        replica.takeSnapshot();
        return this.#log(`${replica.name} takes a snapshot`);
      case 'rollback':
        replica.rollBack();
        return this.#log(`${replica.name} goes back to its snapshot`);
    }
  }

  /** Every other time a repair hides it at once. */
  #forget(replica: ReplicaModel): void {
    this.#log(`${replica.name} forgets`);
    replica.forget();
    if (this.#draw(2) === 0) this.#replicate(this.#pick(this.#replicas), replica);
  }

  #read(client: Client, { name, record }: ReplicaModel): void {
    this.#log(`client ${this.#clients.indexOf(client)} reads ${name}`);
    if (record === undefined) return;
    const seen = record.siblings.reduce((mints, sibling) => mints | this.#pastOf(sibling), 0);
    client.knowledge = { context: record.context, seen };
  }

  #pastOf({ writtenAtMs: mint }: Sibling): Mints {
    return (1 << mint) | (this.#mints[mint]?.seen ?? 0);
  }

  #write(client: Client, replica: ReplicaModel, isDelete: boolean, knowledge: Knowledge): void {
    const number = this.#events.length;
    const event: Event = {
      number,
      content: isDelete ? { type: 'tombstone' } : value(`event ${number}`),
      writeId: this.#draw(2) === 0 ? `id-${number}` : undefined,
      requests: [{ ...knowledge, mints: 0 }],
    };
    this.#events.push(event);
    this.#coordinate(client, replica, event, event.requests[0] as Request);
  }

  /** The same write again, whether it was answered or not, through whoever is asked this time. */
  #retry(client: Client, replica: ReplicaModel): void {
    const retryable = this.#events.filter(({ writeId }) => writeId !== undefined);
    if (retryable.length === 0) return;
    const event = this.#pick(retryable);
    let request = event.requests[0] as Request;
    if (this.#draw(3) === 0) {
      request = { ...client.knowledge, mints: 0 };
      const same = event.requests.find(({ context }) => bringsSameContext(context, request.context));
      if (same === undefined) event.requests.push(request);
      request = same ?? request;
    }
    this.#coordinate(client, replica, event, request);
  }

  #coordinate(client: Client, replica: ReplicaModel, event: Event, request: Request): void {
    const number = this.#mints.length;
    const decision = replica.coordinate(proposalOf(event, request, number), number);
    if (decision.type === 'expired') {
      return this.#logWrite(client, replica, event, request, 'expired');
    }
    if (decision.type !== 'minted' && decision.type !== 'repeated') {
      throw new Error(`no operation of this model leads to ${decision.type}`);
    }
    const mint = decision.type === 'minted' ? number : decision.write.writtenAtMs;
    if (decision.type === 'minted') {
      this.#mints.push({ event, seen: request.seen });
      request.mints |= 1 << mint;
    }
    const written = decision.type === 'minted' ? decision.dot : decision.write.dot;
    const acknowledged = this.#draw(4) > 0;
    if (acknowledged) {
      const context = this.#options.rules.answerContext(request.context, written, decision.record);
      client.knowledge = { context, seen: request.seen | (1 << mint) };
    }
    const result = `${decision.type} as ${mint}${acknowledged ? '' : ', no answer'}`;
    this.#logWrite(client, replica, event, request, result);
    for (let copies = this.#draw(3); copies > 0; copies -= 1)
      this.#replicate(replica, this.#pick(this.#replicas));
  }

  #replicate(from: ReplicaModel, to: ReplicaModel): void {
    this.#log(`${from.name} -> ${to.name}`);
    from.sendTo(to);
    this.#note();
  }

  #deliver(to: ReplicaModel): void {
    const index = this.#draw(Math.max(1, this.#inFlight.length));
    const [message] = this.#inFlight.splice(index, 1);
    this.#log(`${to.name} receives late message ${index}`);
    if (message !== undefined) to.receive(message.record, message.reached);
    this.#note();
  }

  #pick<Item>(items: readonly Item[]): Item {
    return items[this.#draw(items.length)] as Item;
  }

  #note(): void {
    if (this.#options.collectRecords !== true) return;
    for (const { record } of this.#replicas) {
      if (record !== undefined && !this.#records.includes(record)) this.#records.push(record);
    }
  }

  #log(line: string): void {
    this.#options.onOperation?.(line);
  }

  #logWrite(
    client: Client,
    { name }: ReplicaModel,
    event: Event,
    { context }: Request,
    result: string,
  ): void {
    if (this.#options.onOperation === undefined) return;
    const how = context === undefined ? 'blind' : `having seen ${describeContext(context)}`;
    const what = event.content.type === 'tombstone' ? 'deletes' : 'writes';
    const who = `client ${this.#clients.indexOf(client)}`;
    this.#log(`${who} ${what} ${nameOf(event)} at ${name}, ${how}, ${event.writeId ?? 'no id'}: ${result}`);
  }
}

function bringsSameContext(left: CausalContext | undefined, right: CausalContext | undefined): boolean {
  return sameContext(left ?? EMPTY_CONTEXT, right ?? EMPTY_CONTEXT);
}

function proposalOf({ content, writeId, requests }: Event, request: Request, mint: number): ProposedWrite {
  return {
    content,
    seen: request.context,
    writtenAtMs: mint,
    identity:
      writeId === undefined
        ? undefined
        : { id: writeId, requestDigest: writeId, firstAttempt: requests.every(({ mints }) => mints === 0) },
    n: 3,
  };
}
