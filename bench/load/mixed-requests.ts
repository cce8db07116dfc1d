/** The requests of a mix, see MixedWorkload. */
import { HEADERS } from '../../src/api/headers.ts';
import { keyNumbers } from './key-choice.ts';
import { seededRandom } from './seeded-random.ts';
import {
  answersByStatus,
  headerValue,
  type Answer,
  type ConnectionRequests,
  type MixedWorkload,
  type TrafficSource,
} from './traffic.ts';
import { bytesOf, headerLines, startOf, storedKey, valueSource, type KeyRange } from './workload.ts';

/** A record beside others of its key: read as an envelope. */
const SIBLINGS = 300;

type Kind = 'read' | "update's read" | 'update' | 'insert';

/** Keys that there are: those loaded first, then those inserted, in the order of their numbers. */
class GrowingKeys {
  readonly #keys: KeyRange;
  readonly #valueBytes: number;
  readonly #doneOutOfTurn = new Set<number>();
  #next: number;
  #count: number;

  constructor(keys: KeyRange, valueBytes: number) {
    this.#keys = keys;
    this.#valueBytes = valueBytes;
    this.#next = keys.storedKeys;
    this.#count = keys.storedKeys;
  }

  /** Below this, all are acknowledged. */
  get count(): number {
    return this.#count;
  }

  begin(): number {
    return this.#next++;
  }

  acknowledge(number: number): void {
    this.#doneOutOfTurn.add(number);
    while (this.#doneOutOfTurn.delete(this.#count)) this.#count += 1;
  }

  nameOf(number: number): string {
    if (number < this.#keys.storedKeys) return storedKey(number, this.#valueBytes);
    return `${this.#keys.freshPrefix}-${number}`;
  }
}

export function mixedRequests(mix: MixedWorkload, keys: KeyRange): TrafficSource {
  const bytes = bytesOf(mix);
  const random = seededRandom(keys.seed ?? 1);
  const growing = new GrowingKeys(keys, bytes);
  const shared = {
    mix,
    random,
    keys: growing,
    nextNumber: keyNumbers(mix.distribution, () => growing.count, random),
    withNextValue: valueSource(bytes),
    answers: answersOf(mix),
  };
  return {
    connect: () => new MixedConnection(shared),
    // An envelope of siblings and a problem are longer than nothing, and begin as JSON does.
    isRightBody: (body) => body.length === 0 || body.length === bytes || body.startsWith('{'),
  };
}

function answersOf(mix: MixedWorkload): Readonly<Record<Kind, (status: number) => Answer>> {
  // Refused because somebody else was faster, which is what compare-and-set is for.
  const lost = mix.updateBy === 'if-match' ? [409, 412] : [];
  return {
    read: answersByStatus('read', [200, SIBLINGS]),
    "update's read": answersByStatus("update's read", [200, SIBLINGS], false),
    update: answersByStatus('update', [201, 204, ...lost]),
    insert: answersByStatus('insert', [201]),
  };
}

interface Shared {
  readonly mix: MixedWorkload;
  readonly random: () => number;
  readonly keys: GrowingKeys;
  readonly nextNumber: () => number;
  readonly withNextValue: (head: string) => Buffer;
  readonly answers: Readonly<Record<Kind, (status: number) => Answer>>;
}

class MixedConnection implements ConnectionRequests {
  readonly #shared: Shared;
  #kind: Kind = 'read';
  #number = 0;
  /** What the write of an update has to say of what was read. */
  #basis: Readonly<Record<string, string>> | undefined;

  constructor(shared: Shared) {
    this.#shared = shared;
  }

  readonly next = (): Buffer => {
    const { keys, mix, withNextValue } = this.#shared;
    const headers = this.#basis;
    this.#choose();
    const isWrite = this.#kind === 'update' || this.#kind === 'insert';
    const method = isWrite ? 'PUT' : 'GET';
    const lines = headerLines({
      method,
      headers: this.#kind === 'update' ? (headers ?? {}) : {},
      valueBytes: bytesOf(mix),
    });
    const head = `${startOf({ method, bucket: mix.bucket })}${keys.nameOf(this.#number)} HTTP/1.1\r\n${lines}\r\n`;
    return isWrite ? withNextValue(head) : Buffer.from(head, 'latin1');
  };

  readonly sawHeaders = (headers: readonly string[]): void => {
    if (this.#kind !== "update's read") return;
    const isByContext = this.#shared.mix.updateBy === 'context';
    const value = headerValue(headers, isByContext ? HEADERS.context.toLowerCase() : 'etag');
    if (value !== undefined) this.#basis = { [isByContext ? HEADERS.context : 'If-Match']: value };
  };

  readonly answered = (status: number): Answer => {
    if (this.#kind === 'insert' && status === 201) this.#shared.keys.acknowledge(this.#number);
    return this.#shared.answers[this.#kind](status);
  };

  #choose(): void {
    const { mix, random, keys, nextNumber } = this.#shared;
    if (this.#basis !== undefined) {
      this.#kind = 'update';
      this.#basis = undefined;
      return;
    }
    const share = random();
    if (share < mix.inserts) {
      this.#kind = 'insert';
      this.#number = keys.begin();
      return;
    }
    this.#kind = share < mix.inserts + mix.updates ? "update's read" : 'read';
    this.#number = nextNumber();
  }
}
