/**
 * Random histories of one key with an oracle that knows what no replica knows: which events each client had really
 * seen. (Trusting the token would miss a token that covers too much.)
 *
 * Three home replicas and three others, four clients, 10 to 20 operations: reads, writes with and without a context,
 * deletes, retries of a write through any coordinator, replication of any pair at once or late, lost acknowledgements,
 * lost records, restarts, snapshots and rollbacks. Then all replicas exchange their records, and:
 *
 * - an event is live iff no other event's client had seen it;
 * - all replicas are equal, no dot has two values, and no event is shown twice;
 * - each record along the way keeps its normal form.
 *
 * What is assumed, because no store can do better:
 * - A write counts at the end only if some replica still holds or knows it: if every copy was forgotten or rolled back,
 *   it is neither expected nor superseding anything.
 * - A retried write has several dots. Who saw it under one of them has seen the event, but if nobody remembers that dot
 *   any more, nobody can tell that it was the same event: such an event may be live or not (`undecided`).
 * - Writes are acknowledged at W = 1 and reads are answered at R = 1, which is weaker than any quorum.
 * - A history has fewer writes than a record remembers write ids.
 */
import type { CausalContext } from '../../../src/core/causality/causal-context.ts';
import type { ProposedWrite } from '../../../src/core/causality/decide-write.ts';
import type { KeyRecord, Sibling, SiblingContent } from '../../../src/core/causality/record.ts';
import { findDotCollision, visibleSiblings } from '../../../src/core/causality/visible-siblings.ts';
import { exchangeFully, ReplicaModel, type ReplicaRules } from './replica-model.ts';
import { describeRecord, isSorted, value } from './sample-records.ts';

const REPLICAS = ['p1', 'p2', 'p3', 'f1', 'f2', 'f3'];
const CLIENTS = 4;
const MIN_OPERATIONS = 10;
const MAX_OPERATIONS = 20;

type Operation =
  | 'read'
  | 'write'
  | 'blind-write'
  | 'delete'
  | 'retry'
  | 'replicate'
  | 'send'
  | 'deliver'
  | 'forget'
  | 'restart'
  | 'snapshot'
  | 'rollback';

/** How often an operation is drawn, relative to the others. */
const WEIGHTS: readonly (readonly [Operation, number])[] = [
  ['read', 20],
  ['write', 20],
  ['blind-write', 10],
  ['delete', 5],
  ['retry', 9],
  ['replicate', 18],
  ['send', 4],
  ['deliver', 4],
  ['forget', 6],
  ['restart', 3],
  ['snapshot', 4],
  ['rollback', 4],
];
const DRAWN: readonly Operation[] = WEIGHTS.flatMap(([operation, weight]) =>
  Array<Operation>(weight).fill(operation),
);

/** Sets of mints are bit masks: bit i is the i-th dot minted in this history. */
type Mints = number;

interface Event {
  /** What its client had seen when it asked for the write, and what those writes' clients had seen, and so on. */
  readonly seen: Mints;
  readonly context: CausalContext | undefined;
  readonly content: SiblingContent;
  readonly writeId: string | undefined;
  /** One per coordinator that took it. */
  mints: Mints;
}

interface Client {
  context: CausalContext | undefined;
  seen: Mints;
}

export interface HistoryResult {
  readonly violation: string | undefined;
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
  readonly #eventOfMint: Event[] = [];
  readonly #inFlight: { readonly record: KeyRecord; readonly reached: Mints }[] = [];
  readonly #records: KeyRecord[] = [];
  readonly #options: HistoryOptions;

  constructor(options: HistoryOptions) {
    this.#options = options;
    this.#draw = seededDraw(options.seed);
    this.#replicas = REPLICAS.map((name) => new ReplicaModel(name, options.rules));
    this.#clients = Array.from({ length: CLIENTS }, () => ({ context: undefined, seen: 0 }));
  }

  run(): HistoryResult {
    const operations = MIN_OPERATIONS + this.#draw(MAX_OPERATIONS - MIN_OPERATIONS + 1);
    for (let i = 0; i < operations; i += 1) this.#step(this.#pick(DRAWN));
    exchangeFully(this.#replicas);
    this.#note();
    const { expected, undecided } = this.#judge();
    const violation = this.#findViolation(expected, undecided);
    return { violation, undecided: undecided.size, records: this.#records };
  }

  #step(operation: Operation): void {
    const replica = this.#pick(this.#replicas);
    const client = this.#pick(this.#clients);
    switch (operation) {
      case 'read':
        return this.#read(client, replica);
      case 'write':
      case 'delete':
        return this.#write(client, replica, operation === 'delete', client);
      case 'blind-write':
        return this.#write(client, replica, false, { context: undefined, seen: 0 });
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
        replica.forget();
        return this.#log(`${replica.name} forgets`);
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

  #read(client: Client, { name, record }: ReplicaModel): void {
    this.#log(`client ${this.#clients.indexOf(client)} reads ${name}`);
    if (record === undefined) return;
    client.context = record.context;
    client.seen = record.siblings.reduce((seen, sibling) => seen | this.#pastOf(sibling), 0);
  }

  #pastOf({ writtenAtMs: mint }: Sibling): Mints {
    return (1 << mint) | (this.#eventOfMint[mint]?.seen ?? 0);
  }

  #write(client: Client, replica: ReplicaModel, isDelete: boolean, { context, seen }: Client): void {
    const number = this.#events.length;
    const event: Event = {
      seen,
      context,
      content: isDelete ? { type: 'tombstone' } : value(`event ${number}`),
      writeId: this.#draw(2) === 0 ? `id-${number}` : undefined,
      mints: 0,
    };
    this.#events.push(event);
    this.#coordinate(client, replica, event);
  }

  /** The same request again, whether it was answered or not, through whoever is asked this time. */
  #retry(client: Client, replica: ReplicaModel): void {
    const retryable = this.#events.filter(({ writeId }) => writeId !== undefined);
    if (retryable.length > 0) this.#coordinate(client, replica, this.#pick(retryable));
  }

  #coordinate(client: Client, replica: ReplicaModel, event: Event): void {
    const number = this.#eventOfMint.length;
    const decision = replica.coordinate(proposalOf(event, number), number);
    if (decision.type !== 'minted' && decision.type !== 'repeated') {
      throw new Error(`no operation of this model leads to ${decision.type}`);
    }
    const mint = decision.type === 'minted' ? number : decision.write.writtenAtMs;
    if (decision.type === 'minted') {
      this.#eventOfMint.push(event);
      event.mints |= 1 << mint;
    }
    const written = decision.type === 'minted' ? decision.dot : decision.write.dot;
    const acknowledged = this.#draw(4) > 0;
    if (acknowledged) {
      client.context = this.#options.rules.answerContext(event.context, written, decision.record);
      client.seen = event.seen | (1 << mint);
    }
    this.#logWrite(client, replica, event, `${decision.type} as ${mint}${acknowledged ? '' : ', no answer'}`);
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

  /** Which events must be live once all replicas know all that any of them knows, and which may be. */
  #judge(): { readonly expected: ReadonlySet<Event>; readonly undecided: ReadonlySet<Event> } {
    const known = this.#replicas.reduce((mints, { reached }) => mints | reached, 0);
    const candidates = this.#events.filter(({ mints }) => (mints & known) !== 0);
    const expected = new Set<Event>();
    const undecided = new Set<Event>();
    for (const event of candidates) {
      const seenBy = candidates.filter((other) => other !== event && (other.seen & event.mints) !== 0);
      if (seenBy.length === 0) expected.add(event);
      else if (!seenBy.some(({ seen }) => (seen & event.mints & known) !== 0)) undecided.add(event);
    }
    return { expected, undecided };
  }

  #findViolation(expected: ReadonlySet<Event>, undecided: ReadonlySet<Event>): string | undefined {
    const [first, ...others] = this.#replicas.map(({ record }) =>
      record === undefined ? 'nothing' : describeRecord(record),
    );
    if (others.some((text) => text !== first)) return `replicas differ: ${[first, ...others].join('\n')}`;
    const record = this.#replicas[0]?.record;
    if (record === undefined) return expected.size === 0 ? undefined : 'everything was lost';
    const collision = findDotCollision(record);
    if (collision !== undefined) return `${collision} has two values`;
    if (!isSorted(record)) return 'the siblings are not sorted';
    const shown = visibleSiblings(record).map(({ writtenAtMs }) => this.#eventOfMint[writtenAtMs] as Event);
    if (new Set(shown).size < shown.length) return 'an event is shown twice';
    return this.#compare(new Set(shown), expected, undecided);
  }

  #compare(
    shown: ReadonlySet<Event>,
    expected: ReadonlySet<Event>,
    undecided: ReadonlySet<Event>,
  ): string | undefined {
    const lost = [...expected].filter((event) => !shown.has(event));
    const wrong = [...shown].filter((event) => !expected.has(event) && !undecided.has(event));
    if (lost.length > 0) return `lost: ${lost.map((event) => this.#nameOf(event)).join(', ')}`;
    return wrong.length === 0
      ? undefined
      : `superseded, but live: ${wrong.map((event) => this.#nameOf(event))}`;
  }

  #nameOf(event: Event): string {
    return `event ${this.#events.indexOf(event)}`;
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

  #logWrite(client: Client, { name }: ReplicaModel, event: Event, result: string): void {
    if (this.#options.onOperation === undefined) return;
    const how = event.context === undefined ? 'blind' : 'with its context';
    const what = event.content.type === 'tombstone' ? 'deletes' : 'writes';
    const who = `client ${this.#clients.indexOf(client)}`;
    this.#log(
      `${who} ${what} ${this.#nameOf(event)} at ${name}, ${how}, ${event.writeId ?? 'no id'}: ${result}`,
    );
  }
}

function proposalOf({ content, context, writeId }: Event, mint: number): ProposedWrite {
  return {
    content,
    seen: context,
    writtenAtMs: mint,
    identity:
      writeId === undefined ? undefined : { id: writeId, requestDigest: writeId, firstAttempt: false },
    n: 3,
  };
}

/** Mulberry32: whole numbers from 0 up to, not including, the bound. */
export function seededDraw(seed: number): (below: number) => number {
  let state = seed | 0;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}
