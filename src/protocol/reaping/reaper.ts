/**
 * Reaps tombstones: the records of deleted keys, which would otherwise be kept for ever. The first node of a partition's
 * preference list leads for its records, in rounds. A tombstone may go only when nothing can bring back what it has deleted,
 * and no clock can tell that: a replica may have been away for a month, and a message may have been held up for an hour. So:
 *
 *   1. watch   every member, not only the home replicas, holds byte for byte this record, or nothing of the key; from the
 *              moment at which it looks it notes whether anything else is stored there
 *   2. settle  every member waits until all that it had begun before has ended, in its own memory and, by a barrier behind
 *              everything it had sent, at each other member: whatever was read before step 1, and may know the key as it was
 *              before its deletion, has been stored by now, or never will be
 *   3. check   at every member it is still as it was in step 1: so nobody holds anything older, and nobody can
 *   4. drop    every member deletes the record if it is still just that
 *
 * Of a key with conditional writes the acceptors know more than the record, and none of it must ever be missed. So before step 1 a
 * round of its own has all voters accept just this tombstone, under one ballot, and tells all of them that it is chosen
 * (protocol/paxos/collector.ts). In step 1 each of them says whether it has promised and accepted nothing else, and in step 4, if that
 * is still so, it forgets all that it keeps of the key and raises the ballot floor of the partition to that ballot instead
 * (replica/collection.ts): what comes late of any round of the key is at or below it.
 *
 * Each step begins at all members when the one before has ended at all of them. Any member that is down, that was started again
 * or that holds something else ends the round for the records concerned, and they are tried again later. A round that ends
 * within step 4 leaves the tombstone on some nodes; it spreads from there again, and is reaped another time: a tombstone is
 * never wrong. Nor is a tombstone on some, and a floor on others: a write that is chosen then has a ballot above the floor, and so
 * covers the dots of all conditional deletions before it.
 *
 * Rejected: reaping by age (Cassandra's gc_grace_seconds: a replica that was away for longer brings deleted values back), and
 * asking the home replicas only (a fallback that was forgotten does the same). Rounds could be fenced by a number on each
 * message instead of by step 2; then every write on its way would be refused and begun anew when the number rises.
 *
 * Limits: a plain deletion that is forgotten on some nodes only, or while a plain write of the key comes in, may come to light once
 * beside what was written since, if the bucket has both kinds of writes: it changes the ETag, and nothing else.
 * A data directory that is restored from an old copy may hold what was deleted since, and nobody can tell it so any
 * more. And a reaped record forgets its write ids: a client that repeats a write after the configured time writes it anew. Of
 * what was deleted before the leader was started only the clocks of both nodes tell the age; if these are wrong, that time may
 * be as short as REAP_PATIENCE_MS.
 */
import { placementHash } from '../../codec/hash.ts';
import { decodeCheckedRecord, recordDigest } from '../../codec/record-codec.ts';
import { deletedAtMs } from '../../core/causality/deleted.ts';
import type { EntryName, NodeId } from '../../core/ids.ts';
import {
  EXCHANGE_CONCURRENCY,
  MAX_REAP_NAME_BYTES,
  REAP_INTERVAL_MS,
  REAP_PATIENCE_MS,
  REAP_RETRY_MS,
  REAP_STEP_MS,
  TREE_LIFETIME_MS,
} from '../../core/limits.ts';
import type { PeerReply, ReapEntry, ReapRequest } from '../../core/message.ts';
import type { Ballot } from '../../core/paxos/ballot.ts';
import { partitionOf, preferenceList, type Ring } from '../../core/ring/ring.ts';
import type { WorkSizes } from '../../core/work-sizes.ts';
import type { Timer } from '../../ports/clock.ts';
import type { Random } from '../../ports/random.ts';
import type { Tracer } from '../../ports/tracer.ts';
import { askPeer, ExchangeBroken, type QuestionPorts } from '../background/peer-question.ts';
import type { LocalReplica } from '../replica/local-replica.ts';
import { ReapCandidates } from './reap-candidates.ts';
import type { TombstoneWatch } from './tombstone-watch.ts';

const ROUND_BYTES = 16;

export interface ReaperPorts extends QuestionPorts {
  readonly self: NodeId;
  readonly ring: Ring;
  readonly random: Random;
  readonly tracer: Tracer;
  readonly local: LocalReplica;
  readonly watch: TombstoneWatch;
  /** Whether a Paxos round has ever reached the key here. */
  readonly isVotedOn: (entry: EntryName) => Promise<boolean>;
  /** Has all voters accept just this record. Resolves to the ballot under which they did; undefined: not all of them did. */
  readonly entomb: (entry: ReapEntry) => Promise<Ballot | undefined>;
  /** Milliseconds for which the record of a deleted key is kept at least; undefined: for ever. */
  readonly reapAfterMs?: number | undefined;
  readonly sizes: Pick<WorkSizes, 'reapEntries'>;
}

type RoundName = Pick<ReapRequest, 'leader' | 'round'>;

type ReplyTo<Type extends PeerReply['type']> = Extract<PeerReply, { readonly type: Type }>;

export class Reaper {
  readonly #ports: ReaperPorts;
  readonly #candidates = new ReapCandidates();
  #timer: Timer | undefined;
  #running: Promise<void> | undefined;

  constructor(ports: ReaperPorts) {
    this.#ports = ports;
  }

  /** A record was stored, or has gone (undefined): from now on its time is counted, whatever any clock on the wall says. */
  changed(entry: EntryName, encoded: Uint8Array | undefined): void {
    this.#notice(entry, encoded, (_, reapAfterMs) => reapAfterMs);
  }

  /** A record was come across that may be old: how old, only the clocks on the wall can tell. */
  cameAcross(entry: EntryName, encoded: Uint8Array): void {
    const nowMs = this.#ports.clock.wallMs();
    // One that was set must not make a deletion old that clients may still be about to repeat.
    this.#notice(entry, encoded, (deletedMs, reapAfterMs) =>
      Math.max(reapAfterMs - (nowMs - deletedMs), Math.min(reapAfterMs, REAP_PATIENCE_MS)),
    );
  }

  #notice(
    entry: EntryName,
    encoded: Uint8Array | undefined,
    waitOf: (deletedMs: number, reapAfterMs: number) => number,
  ): void {
    const { reapAfterMs, clock } = this.#ports;
    if (reapAfterMs === undefined || !this.#isLed(entry)) return;
    const deletedMs = encoded === undefined ? undefined : deletedAtMs(decodeCheckedRecord(encoded));
    if (encoded === undefined || deletedMs === undefined) {
      this.#candidates.forget(entry);
      return;
    }
    const waitMs = waitOf(deletedMs, reapAfterMs);
    const { bucket, key } = entry;
    const found = { bucket, key, digest: recordDigest(encoded) };
    this.#candidates.note(found, clock.nowMs() + waitMs, waitMs > TREE_LIFETIME_MS);
  }

  start(): void {
    if (this.#ports.reapAfterMs !== undefined) this.#roundLater();
  }

  /** Begins nothing any more. Resolves when what runs has ended; it may wait for a peer until the peers are closed. */
  async close(): Promise<void> {
    this.#ports.pace.close();
    this.#timer?.cancel();
    await this.#running;
  }

  #roundLater(): void {
    const { clock, random, pace } = this.#ports;
    if (pace.isClosed) return;
    this.#timer = clock.setTimer(REAP_INTERVAL_MS * (0.5 + random.fraction()), () => {
      this.#running = this.#round().finally(() => {
        this.#running = undefined;
        this.#roundLater();
      });
    });
  }

  async #round(): Promise<void> {
    const { clock, tracer, sizes } = this.#ports;
    const due = this.#candidates.due(clock.nowMs(), {
      entries: sizes.reapEntries,
      nameBytes: MAX_REAP_NAME_BYTES,
    });
    if (due.length === 0) return;
    const startMs = clock.nowMs();
    const came = { reaped: 0, reason: this.#missing() };
    try {
      if (came.reason === undefined) came.reaped = await this.#reap(due);
    } catch (error) {
      if (!(error instanceof ExchangeBroken)) throw error;
      came.reason = error.message;
    }
    // Those that were reaped are forgotten by now.
    const againMs = clock.nowMs() + REAP_RETRY_MS;
    for (const entry of due) this.#candidates.postpone(entry, againMs);
    tracer.trace({ type: 'reap-round', due: due.length, ...came, ms: clock.nowMs() - startMs });
  }

  /** Why no round can be begun, if so. */
  #missing(): string | undefined {
    const { peers } = this.#ports;
    const away = peers.others.filter((peer) => peers.state(peer) !== 'up');
    return away.length === 0 ? undefined : `${away.join(', ')} cannot be reached`;
  }

  /** Resolves to how many records were deleted at all members. */
  async #reap(due: readonly ReapEntry[]): Promise<number> {
    const { self, random } = this.#ports;
    const areHeld = await Promise.all(due.map((entry) => this.#isHeld(entry)));
    const entries = await this.#entombed(due.filter((_, place) => areHeld[place] === true));
    const round = { leader: self, round: random.bytes(ROUND_BYTES) };
    const looks = await this.#askAll({ type: 'reap-watch', ...round, entries });
    for (const place of looks.flatMap(({ votedOn }) => votedOn)) {
      for (const entry of entries.slice(place, place + 1)) this.#candidates.noteVotedOn(entry);
    }
    const held = inAll(looks.map((look) => look.held));
    const intact = entries.some((_, place) => held(place)) ? await this.#settleAndCheck(round) : () => false;
    const places = entries.flatMap((_, place) => (held(place) && intact(place) ? [place] : []));
    // Also if nothing is to go: nobody has to watch any more.
    await this.#askAll({ type: 'reap-drop', ...round, places });
    return places.length;
  }

  /** Those of which acceptors keep something have to be accepted by all of them first; those that are not are left out. */
  async #entombed(entries: readonly ReapEntry[]): Promise<readonly ReapEntry[]> {
    const { pace } = this.#ports;
    const ready: ReapEntry[] = [];
    for (let start = 0; start < entries.length && !pace.isClosed; start += EXCHANGE_CONCURRENCY) {
      const some = entries.slice(start, start + EXCHANGE_CONCURRENCY);
      ready.push(...(await Promise.all(some.map((entry) => this.#entomb(entry)))).flat());
      if (some.some((entry) => !ready.includes(entry))) await pace.pause();
    }
    return ready;
  }

  async #entomb(entry: ReapEntry): Promise<readonly ReapEntry[]> {
    const { isVotedOn, entomb } = this.#ports;
    try {
      if (!this.#candidates.isVotedOn(entry) && !(await isVotedOn(entry))) return [entry];
    } catch {
      // What acceptors keep of it cannot be read now: it is left for another round.
      return [];
    }
    const chosenAt = await entomb(entry);
    return chosenAt === undefined ? [] : [{ ...entry, chosenAt }];
  }

  /** Resolves to what can go: what no member holds, or can still get, in an older form. */
  async #settleAndCheck(round: RoundName): Promise<(place: number) => boolean> {
    await this.#askAll({ type: 'reap-settle', ...round });
    const checks = await this.#askAll({ type: 'reap-check', ...round });
    return inAll(checks.map((check) => check.intact));
  }

  /** Whether this node still holds just this record: another tombstone of the key may be younger than it has to be. */
  async #isHeld(entry: ReapEntry): Promise<boolean> {
    const own = await this.#ports.local.held(entry, entry.digest);
    if (own.type === 'same') return true;
    if (own.type !== 'unreadable' && this.#candidates.has(entry)) this.#candidates.forget(entry);
    return false;
  }

  /** All members' replies, this node's among them. Rejects with ExchangeBroken unless all have answered. */
  #askAll<Request extends ReapRequest>(request: Request): Promise<readonly ReplyTo<Request['type']>[]> {
    const { peers, watch } = this.#ports;
    const own = watch.serve(request).then(
      (reply) => {
        if (reply.type === 'request-refused') throw new ExchangeBroken(reply.reason);
        return reply as ReplyTo<Request['type']>;
      },
      // A store that cannot be written ends the node by itself.
      (error: unknown) => {
        throw new ExchangeBroken(`the own store fails: ${String(error)}`);
      },
    );
    return Promise.all([
      own,
      ...peers.others.map((peer) => askPeer(this.#ports, peer, request, REAP_STEP_MS)),
    ]);
  }

  #isLed(entry: EntryName): boolean {
    const { ring, self } = this.#ports;
    return preferenceList(ring, partitionOf(ring, placementHash(entry)))[0] === self;
  }
}

/** Whether all of these lists say yes at a place. */
function inAll(lists: readonly (readonly boolean[])[]): (place: number) => boolean {
  return (place) => lists.every((list) => list[place] === true);
}
