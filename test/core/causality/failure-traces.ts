/**
 * Sequences of events that made other leaderless stores lose acknowledged writes, revive deleted ones or show false
 * siblings. p1 to p3 are home replicas, f1 to f3 fallbacks. After the last step all of them exchange their records;
 * then each must show exactly the values in `live`.
 *
 * Where a tombstone was reaped, the trace drops the record: it comes back only if causality alone lets it.
 */
import { type CausalContext, EMPTY_CONTEXT } from '../../../src/core/causality/causal-context.ts';
import type { ProposedWrite } from '../../../src/core/causality/decide-write.ts';
import { findDotCollision } from '../../../src/core/causality/visible-siblings.ts';
import { exchangeFully, ReplicaModel, type ReplicaRules } from './replica-model.ts';
import { describeRecord, textsOf, value } from './sample-records.ts';

const NAMES = ['p1', 'p2', 'p3', 'f1', 'f2', 'f3'] as const;
export type ReplicaName = (typeof NAMES)[number];

interface WriteOptions {
  readonly at: ReplicaName;
  /** Replicas that get the result at once. */
  readonly to?: readonly ReplicaName[];
  /** What the client had seen; nothing if not given. */
  readonly seen?: CausalContext;
  readonly id?: string;
}

/** Six replicas of one key, and the steps that a trace is made of. */
export class TracedReplicas {
  readonly #rules: ReplicaRules;
  readonly #replicas: ReadonlyMap<ReplicaName, ReplicaModel>;
  #writes = 0;

  constructor(rules: ReplicaRules) {
    this.#rules = rules;
    this.#replicas = new Map(NAMES.map((name) => [name, new ReplicaModel(name, rules)]));
  }

  /** Gives the context of the answer. */
  write(text: string, options: WriteOptions): CausalContext {
    return this.#coordinate(value(text), options);
  }

  /** Deletes all that the coordinator holds. */
  delete(options: Omit<WriteOptions, 'seen'>): CausalContext {
    return this.#coordinate({ type: 'tombstone' }, { ...options, seen: this.read(options.at) });
  }

  read(at: ReplicaName): CausalContext {
    return this.#at(at).record?.context ?? EMPTY_CONTEXT;
  }

  /** Read repair, handoff or anti-entropy. */
  send(from: ReplicaName, to: ReplicaName): void {
    this.#at(from).sendTo(this.#at(to));
  }

  forget(...names: readonly ReplicaName[]): void {
    for (const name of names) this.#at(name).forget();
  }

  takeSnapshot(at: ReplicaName): void {
    this.#at(at).takeSnapshot();
  }

  loseLatestWrites(at: ReplicaName): void {
    this.#at(at).loseLatestWrites();
  }

  rollBack(at: ReplicaName): void {
    this.#at(at).rollBack();
  }

  /** What each replica shows once all have exchanged their records; undefined if they differ or if dots collided. */
  settle(): readonly string[] | undefined {
    const replicas = [...this.#replicas.values()];
    exchangeFully(replicas);
    const records = replicas.map(({ record }) => record);
    const texts = new Set(records.map((record) => record && describeRecord(record)));
    const [record] = records;
    if (record === undefined || texts.size > 1 || findDotCollision(record) !== undefined) return undefined;
    return textsOf(record).filter((text) => text !== '(deleted)');
  }

  #coordinate(content: ProposedWrite['content'], { at, to = [], seen, id }: WriteOptions): CausalContext {
    this.#writes += 1;
    const identity = id === undefined ? undefined : { id, requestDigest: id, firstAttempt: false };
    const write = { content, seen, identity, writtenAtMs: this.#writes, n: 3 };
    const decision = this.#at(at).coordinate(write, this.#writes);
    if (decision.type !== 'minted') throw new Error(`no trace leads to ${decision.type}`);
    for (const name of to) this.send(at, name);
    return this.#rules.answerContext(seen, decision.dot, decision.record);
  }

  #at(name: ReplicaName): ReplicaModel {
    return this.#replicas.get(name) as ReplicaModel;
  }
}

export interface FailureTrace {
  readonly name: string;
  readonly play: (replicas: TracedReplicas) => void;
  readonly live: readonly string[];
}

export const FAILURE_TRACES: readonly FailureTrace[] = [
  {
    name: 'a coordinator forgets a key and writes it again',
    play: (r) => {
      r.write('v1', { at: 'p1', to: ['p2', 'p3'] });
      r.forget('p1');
      r.write('v2', { at: 'p1', to: ['p2', 'p3'] });
    },
    live: ['v1', 'v2'],
  },
  {
    name: 'a coordinator forgets a key with a long history and writes it again',
    play: (r) => {
      r.write('v1', { at: 'p1', to: ['p2', 'p3'] });
      r.write('v2', { at: 'p1', to: ['p2', 'p3'], seen: r.read('p1') });
      r.write('v3', { at: 'p1', to: ['p2', 'p3'], seen: r.read('p1') });
      r.forget('p1');
      r.write('v4', { at: 'p1', to: ['p2', 'p3'] });
    },
    live: ['v3', 'v4'],
  },
  {
    name: 'a fallback hides the loss with an old record of the coordinator',
    play: (r) => {
      r.write('v1', { at: 'p1', to: ['f1', 'f2'] });
      r.write('v2', { at: 'p1', to: ['p2', 'p3'], seen: r.read('p1') });
      r.write('v3', { at: 'p1', to: ['p2', 'p3'], seen: r.read('p1') });
      r.forget('p1');
      r.send('f1', 'p1');
      r.write('v4', { at: 'p1', to: ['p2', 'p3'], seen: r.read('p1') });
    },
    live: ['v3', 'v4'],
  },
  {
    name: 'a fallback kept a tombstone that all home replicas reaped',
    play: (r) => {
      r.write('v1', { at: 'p1', to: ['p2', 'p3'] });
      r.delete({ at: 'p1', to: ['p2', 'p3', 'f1'] });
      r.forget('p1', 'p2', 'p3');
      r.write('v2', { at: 'p1', to: ['p2', 'p3'] });
      r.send('f1', 'p3');
    },
    live: ['v2'],
  },
  {
    name: 'one home replica kept a tombstone that the others reaped',
    play: (r) => {
      r.write('v1', { at: 'p1', to: ['p2', 'p3'] });
      r.delete({ at: 'p1', to: ['p2', 'p3'] });
      r.forget('p1', 'p2');
      r.write('v2', { at: 'p1', to: ['p2'] });
      r.send('p3', 'p1');
    },
    live: ['v2'],
  },
  {
    name: 'the writes before and after the loss lie on different replicas',
    play: (r) => {
      r.write('v1', { at: 'p1', to: ['f1'] });
      r.write('v2', { at: 'p1', to: ['p3'] });
      r.forget('p1');
      r.write('v3', { at: 'p1', to: ['p2'] });
    },
    live: ['v1', 'v2', 'v3'],
  },
  {
    name: 'a tombstone of another coordinator meets the key created anew',
    play: (r) => {
      r.write('v1', { at: 'p1', to: ['p2'] });
      r.delete({ at: 'p2', to: ['f3', 'p1', 'p3'] });
      r.forget('p1', 'p2', 'p3');
      r.write('v2', { at: 'p1', to: ['f3'] });
    },
    live: ['v2'],
  },
  {
    name: 'a replica that had coordinated but one write forgets it, and learns of the key from others',
    play: (r) => {
      r.write('v1', { at: 'f3', to: ['p1'] });
      r.write('v2', { at: 'p1', to: ['f2'] });
      r.forget('p1');
      r.write('v3', { at: 'f3', to: ['p1'] });
      r.write('v4', { at: 'p1', to: ['f3'] });
    },
    live: ['v1', 'v2', 'v3', 'v4'],
  },
  {
    name: 'a disk goes back to a snapshot from before the key',
    play: (r) => {
      r.takeSnapshot('p1');
      r.write('v1', { at: 'p1', to: ['f1'] });
      r.rollBack('p1');
      r.write('v2', { at: 'p1', to: ['p2'] });
      r.write('v3', { at: 'p1', to: ['f2'] });
    },
    live: ['v1', 'v2', 'v3'],
  },
  {
    name: 'no replica has both the write before the loss and the one after it',
    play: (r) => {
      r.write('v1', { at: 'p1', to: ['p3'] });
      r.forget('p1');
      r.write('v2', { at: 'p1', to: ['p2'] });
    },
    live: ['v1', 'v2'],
  },
  {
    name: 'a client that saw the write after the loss overwrites it',
    play: (r) => {
      r.write('v1', { at: 'p1', to: ['f2'] });
      r.forget('p1');
      r.write('v2', { at: 'p1', to: ['p2'] });
      r.write('v3', { at: 'p2', to: ['p3'], seen: r.read('p2') });
    },
    live: ['v1', 'v3'],
  },
  {
    name: 'two clients write through one coordinator, one of them with its context',
    play: (r) => {
      r.write('x1', { at: 'p1', to: ['p2', 'p3'] });
      const seen = r.read('p1');
      r.write('y1', { at: 'p1', to: ['p2', 'p3'] });
      r.write('x2', { at: 'p1', to: ['p2', 'p3'], seen });
    },
    live: ['y1', 'x2'],
  },
  {
    name: 'a client writes on with the context of its own blind write',
    play: (r) => {
      r.write('v1', { at: 'p1' });
      const seen = r.write('v2', { at: 'p1' });
      r.write('v3', { at: 'p1', to: ['p2'], seen });
    },
    live: ['v1', 'v3'],
  },
  {
    name: 'a retry of an overwritten write reaches another coordinator late',
    play: (r) => {
      r.write('v1', { at: 'p1', id: 'id' });
      r.write('v2', { at: 'p1', to: ['p3'], seen: r.read('p1') });
      r.write('v1', { at: 'p2', id: 'id', to: ['f1'] });
    },
    live: ['v2'],
  },
  {
    name: 'a store drops its latest write unnoticed, and a client that had read it writes there',
    play: (r) => {
      r.write('v1', { at: 'p1', to: ['p2'] });
      r.takeSnapshot('p1');
      r.write('v2', { at: 'p1', to: ['p2'], seen: r.read('p1') });
      r.loseLatestWrites('p1');
      r.write('v3', { at: 'p1', to: ['p3'], seen: r.read('p2') });
    },
    live: ['v3'],
  },
  {
    name: 'only the client knows what the write that it overwrites had overwritten',
    play: (r) => {
      r.write('v1', { at: 'p1', to: ['p2'] });
      const seen = r.write('v2', { at: 'p3', seen: r.read('p1') });
      r.forget('p3');
      r.write('v3', { at: 'p2', to: ['p3'], seen });
    },
    live: ['v3'],
  },
  {
    name: 'a client reads its own write and repeats it with that context at another coordinator',
    play: (r) => {
      r.write('v1', { at: 'p1', id: 'id' });
      r.write('v1', { at: 'p2', id: 'id', to: ['p3'], seen: r.read('p1') });
    },
    live: ['v1'],
  },
];
