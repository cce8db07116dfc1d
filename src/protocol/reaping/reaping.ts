/** Both parts that a node has in reaping tombstones: it leads rounds (reaper.ts), and takes part in those of all members. */
import type { EntryName } from '../../core/ids.ts';
import type { PeerReply, ReapRequest } from '../../core/message.ts';
import { Collection, type CollectionPorts } from '../replica/collection.ts';
import { settleEverywhere, type BarrierPorts } from './barrier.ts';
import { Reaper, type ReaperPorts } from './reaper.ts';
import { TombstoneWatch, type TombstoneWatchPorts } from './tombstone-watch.ts';

export type ReapingPorts = Omit<ReaperPorts, 'watch' | 'isVotedOn'> &
  BarrierPorts &
  CollectionPorts &
  Pick<TombstoneWatchPorts, 'mayLack'>;

export class Reaping {
  readonly #watch: TombstoneWatch;
  readonly #reaper: Reaper;

  constructor(ports: ReapingPorts) {
    const collection = new Collection(ports);
    this.#watch = new TombstoneWatch({ ...ports, collection, settle: () => settleEverywhere(ports) });
    const isVotedOn = (entry: EntryName): Promise<boolean> => ports.acceptors.has(entry);
    this.#reaper = new Reaper({ ...ports, isVotedOn, watch: this.#watch });
  }

  /** A record changed, or has gone; told in its key's serial section. */
  changed(entry: EntryName, after: Uint8Array | undefined): void {
    this.#watch.changed(entry, after);
    this.#reaper.changed(entry, after);
  }

  /** A record was come across. */
  cameAcross(entry: EntryName, encoded: Uint8Array): void {
    this.#reaper.cameAcross(entry, encoded);
  }

  /** Answers the leader of a round. Rejects if the store failed. */
  serve(request: ReapRequest): Promise<PeerReply> {
    return this.#watch.serve(request);
  }

  start(): void {
    this.#reaper.start();
  }

  /** See Reaper.close. */
  close(): Promise<void> {
    return this.#reaper.close();
  }
}
