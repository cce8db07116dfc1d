/**
 * Clients that read and write a few keys at random: without a context, with that of their last read, of their own last write,
 * and with one that is long out of date. Few keys, so that they meet.
 */
import type { ProcessCluster } from './process-cluster.ts';
import type { RecordedRun, Sight } from './recorded-run.ts';
import { RecordingClient } from './recording-client.ts';

/** Whole numbers from 0 up to, not including, the bound. */
export type Draw = (below: number) => number;

export function drawnFrom<Item>(items: readonly Item[], draw: Draw): Item {
  return items[draw(items.length)] as Item;
}

export interface RandomLoadOptions {
  readonly cluster: ProcessCluster;
  readonly run: RecordedRun;
  readonly clients: number;
  readonly draw: Draw;
  /** Keys in use at once. */
  readonly keys: number;
  /** Most bytes of filler in a value. */
  readonly maxBytes: number;
  /** Milliseconds between two operations of a client. */
  readonly pauseMs: number;
}

interface Session {
  read: Sight | undefined;
  own: Sight | undefined;
  first: Sight | undefined;
}

/** Of how many copies a write or read waits for: two mostly, which is what W and R are if nobody says otherwise. */
const QUORUMS = [1, 2, 2, 2, 2, 3] as const;

export class RandomLoad {
  readonly #options: RandomLoadOptions;
  readonly #client: RecordingClient;
  readonly #clients: Promise<void>[];
  #firstKey = 0;
  #isOver = false;

  /** Begins at once. */
  constructor(options: RandomLoadOptions) {
    this.#options = options;
    this.#client = new RecordingClient(options.cluster, options.run);
    this.#clients = Array.from({ length: options.clients }, () => this.#runClient());
  }

  /** The oldest key is left alone from now on, and a new one is taken: no key has so many writes that it cannot be judged. */
  moveOn(): void {
    this.#firstKey += 1;
  }

  /** Resolves when all that was begun has ended. */
  async stop(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#clients);
  }

  async #runClient(): Promise<void> {
    const sessions = new Map<string, Session>();
    while (!this.#isOver) {
      const key = `key-${this.#firstKey + this.#options.draw(this.#options.keys)}`;
      const session = sessions.get(key) ?? { read: undefined, own: undefined, first: undefined };
      sessions.set(key, session);
      await this.#operate(key, session);
      await new Promise((resolve) => setTimeout(resolve, this.#options.pauseMs));
    }
  }

  /** Of a hundred operations 30 read; what needs a context and has none reads as well. */
  async #operate(key: string, session: Session): Promise<void> {
    const kind = this.#options.draw(100);
    if (kind < 20) await this.#put(key, session, undefined);
    else if (kind < 45 && session.read !== undefined) await this.#put(key, session, session.read);
    else if (kind < 52 && session.own !== undefined) await this.#put(key, session, session.own);
    else if (kind < 58 && session.first !== undefined) await this.#put(key, session, session.first);
    else if (kind < 70 && session.read?.token !== undefined) await this.#delete(key, session, session.read);
    else await this.#read(key, session);
  }

  async #read(key: string, session: Session): Promise<void> {
    session.read = (await this.#client.read(key, this.#nodes(), this.#quorum())) ?? session.read;
    session.first ??= session.read;
  }

  async #put(key: string, session: Session, seen: Sight | undefined): Promise<void> {
    this.#keep(session, await this.#client.write({ ...this.#write(key), type: 'put', seen }));
  }

  async #delete(key: string, session: Session, seen: Sight): Promise<void> {
    this.#keep(session, await this.#client.write({ ...this.#write(key), type: 'delete', seen }));
  }

  #write(key: string) {
    const { draw, maxBytes } = this.#options;
    return {
      key,
      nodes: this.#nodes(),
      w: this.#quorum(),
      hasWriteId: draw(2) === 0,
      bytes: draw(maxBytes),
    };
  }

  /** All of them, any of them first. */
  #nodes(): readonly string[] {
    const { nodes } = this.#options.cluster;
    const first = this.#options.draw(nodes.length);
    return [...nodes.slice(first), ...nodes.slice(0, first)];
  }

  #keep(session: Session, own: Sight | undefined): void {
    session.own = own ?? session.own;
    session.first ??= session.own;
  }

  #quorum(): number {
    return this.#oneOf(QUORUMS);
  }

  #oneOf<Item>(items: readonly Item[]): Item {
    return drawnFrom(items, this.#options.draw);
  }
}
