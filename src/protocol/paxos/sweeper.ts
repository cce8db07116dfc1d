/**
 * Finishes rounds that nobody does: what was accepted here and is not known to be chosen, because its coordinator has died or its
 * commit was lost. Without it plain reads that do not meet the key might never see an acknowledged conditional write. And has a
 * round on keys on which this node has lost its vote, for it is what gives it back.
 *
 * The first home replica of the key begins, each next one waits as long again: so one does it as a rule, and the others only if it
 * is away.
 */
import { type EntryName, type NodeId, nameOf } from '../../core/ids.ts';
import { SWEEP_AFTER_MS, SWEEP_CONCURRENCY, SWEEP_INTERVAL_MS } from '../../core/limits.ts';
import type { Clock, Timer } from '../../ports/clock.ts';
import type { Random } from '../../ports/random.ts';
import type { Tracer } from '../../ports/tracer.ts';
import type { InFlight } from '../in-flight.ts';
import type { AcceptorStore, UnfinishedRound } from '../replica/acceptor-store.ts';
import type { ConditionalResult } from './waiting-request.ts';

export interface SweeperPorts {
  readonly self: NodeId;
  readonly acceptors: AcceptorStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly inFlight: InFlight;
  /** The voters of the key, in order of preference. */
  readonly homesOf: (entry: EntryName) => readonly NodeId[];
  /** Has a round choose what is there. Never rejects. */
  readonly finish: (entry: EntryName, homes: readonly NodeId[]) => Promise<ConditionalResult>;
  readonly tracer: Tracer;
}

export class Sweeper {
  readonly #ports: SweeperPorts;
  /** When each was first met, by the monotonic clock, milliseconds. */
  #met = new Map<string, number>();
  /** When the keys of those were last tried, by the same clock: at each try a round may accept something under another ballot. */
  #tried = new Map<string, number>();
  #timer: Timer | undefined;
  #running: Promise<void> | undefined;
  #isStarted = false;
  #isClosed = false;

  constructor(ports: SweeperPorts) {
    this.#ports = ports;
  }

  start(): void {
    this.#ports.acceptors.watch(() => this.#soon());
    this.#isStarted = true;
    this.#soon();
  }

  /** Begins nothing more; resolves when what runs has ended. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    await this.#running;
  }

  /** There is a timer only as long as there may be something to finish. */
  #soon(): void {
    const { acceptors, clock, random } = this.#ports;
    const isEmpty = acceptors.unfinished[Symbol.iterator]().next().done === true;
    const isBusy = this.#timer !== undefined || this.#running !== undefined;
    if (!this.#isStarted || this.#isClosed || isBusy || isEmpty) return;
    // Two home replicas are not to begin at one moment.
    this.#timer = clock.setTimer(SWEEP_INTERVAL_MS * (0.75 + random.fraction() / 2), () => {
      this.#timer = undefined;
      this.#running = this.#sweep().finally(() => {
        this.#running = undefined;
        this.#soon();
      });
    });
  }

  async #sweep(): Promise<void> {
    const { acceptors, clock, inFlight, finish, homesOf, tracer } = this.#ports;
    const due = this.#due([...acceptors.unfinished]).slice(0, SWEEP_CONCURRENCY);
    for (const entry of due) this.#tried.set(nameOf(entry), clock.nowMs());
    const sweep = async (entry: EntryName): Promise<void> => {
      const { type } = await inFlight.track(() => finish(entry, homesOf(entry)));
      tracer.trace({ type: 'sweep', result: type === 'read' ? 'finished' : 'failed' });
    };
    await Promise.all(due.map(sweep));
  }

  /** Those that were never tried first, then the least recently tried: some may never end, and must not be in the way of the others. */
  #due(unfinished: readonly UnfinishedRound[]): readonly EntryName[] {
    const { self, clock, homesOf } = this.#ports;
    const nowMs = clock.nowMs();
    const met = new Map<string, number>();
    const tried = new Map<string, number>();
    const due = unfinished.filter(({ entry, ballot }) => {
      // A key that goes on being written is not one whose round nobody finishes.
      const name = `${nameOf(entry)}\0${ballot ?? ''}`;
      const sinceMs = this.#met.get(name) ?? nowMs;
      met.set(name, sinceMs);
      const triedMs = this.#tried.get(nameOf(entry));
      if (triedMs !== undefined) tried.set(nameOf(entry), triedMs);
      const place = homesOf(entry).indexOf(self);
      return place >= 0 && nowMs - sinceMs >= SWEEP_AFTER_MS * (place + 1);
    });
    this.#met = met;
    this.#tried = tried;
    const triedMs = ({ entry }: UnfinishedRound): number => tried.get(nameOf(entry)) ?? -1;
    return due.sort((left, right) => triedMs(left) - triedMs(right)).map(({ entry }) => entry);
  }
}
