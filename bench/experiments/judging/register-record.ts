/**
 * What conditional updates were shown and told, as the history of one register per key, for the checker of the tests
 * (test/sim/linearizability/chain-check.ts).
 *
 * Each update adds an id to a list, so the last id of a list is the token of that version: nobody else writes it. An update may go
 * round several times; every round shows what was there, and only the last one may have written.
 */
import {
  type ChainOperation,
  checkChain,
  INITIAL_TOKEN,
} from '../../../test/sim/linearizability/chain-check.ts';

/** All conditional updates of one process. */
export class RegisterRecord {
  readonly #operations = new Map<string, ChainOperation[]>();
  #place = 0;
  #id = 0;

  /** An update of a key begins. */
  begin(key: string): RecordedUpdate {
    const operations = this.#operations.get(key) ?? [];
    this.#operations.set(key, operations);
    return new RecordedUpdate({
      next: () => (this.#place += 1),
      add: (operation) => operations.push({ ...operation, id: (this.#id += 1) }),
    });
  }

  /** What is not linearizable, in sentences. */
  violations(): readonly string[] {
    return [...this.#operations].flatMap(([key, operations]) =>
      checkChain(key, operations).map(({ invariant, detail }) => `${invariant}: ${detail}`),
    );
  }
}

type WithoutId<Operation> = Operation extends ChainOperation ? Omit<Operation, 'id'> : never;

interface RecordPorts {
  readonly next: () => number;
  readonly add: (operation: WithoutId<ChainOperation>) => void;
}

/** One update on its way. */
export class RecordedUpdate {
  readonly #ports: RecordPorts;
  #since: number;
  #expected = INITIAL_TOKEN;

  constructor(ports: RecordPorts) {
    this.#ports = ports;
    this.#since = ports.next();
  }

  /** What the next round goes on from. A plain read is no part of the history: it may be stale. */
  shown(ids: readonly string[], by: 'linearizable' | 'plain'): void {
    const { next, add } = this.#ports;
    const token = ids.at(-1) ?? INITIAL_TOKEN;
    if (by === 'linearizable') add({ type: 'read', token, calledAt: this.#since, returnedAt: next() });
    this.#expected = token;
    this.#since = next();
  }

  /** The id was added, or perhaps. An update that was surely not applied has no end. */
  wrote(id: string, outcome: 'ok' | 'unknown'): void {
    const { next, add } = this.#ports;
    const returnedAt = outcome === 'ok' ? next() : Number.POSITIVE_INFINITY;
    add({ type: 'write', token: id, expected: this.#expected, calledAt: this.#since, returnedAt });
  }
}
