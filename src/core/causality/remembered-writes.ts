/**
 * The write ids that a record remembers, superseded ones included. Within this window the id is the identity of the
 * event: a retry finds its first answer. The window keeps the highest entries of a total order, so that
 * union-and-truncate is a join. What rounds remember has a window of its own, in the same order: its times are those of
 * ballots, which rise along the chain of chosen objects, while a plain write has the time of whichever clock, and would push out what
 * came later.
 *
 * An entry may also say that its id was refused for good: then it has the dot of no sibling, and no digest. Whoever was told
 * that a write was not applied, by a node that could not know whether another one was still trying it, was told the truth
 * only because of that.
 */
import { MAX_WRITE_IDS } from '../limits.ts';
import { compareDots, type Dot, isPaxosDot, sameDot } from './dot.ts';
import type { KeyRecord, RememberedWrite, Sibling } from './record.ts';

/** Stands in place of a digest, and is none. */
const REFUSED = 'refused';

/** The entry of an id that no write may have any more. `dot`: of the round that decided it. */
export function refusedWrite(id: string, dot: Dot, atMs: number): RememberedWrite {
  return { id, dot, requestDigest: REFUSED, seenDigest: 0, writtenAtMs: atMs, created: false };
}

/** Whether the entry says that its id was refused for good. */
export function isRefusal({ requestDigest }: RememberedWrite): boolean {
  return requestDigest === REFUSED;
}

/** The writes that took place under this id, the newest first. There is more than one only if it was retried, or used twice. */
export function writesNamed(record: KeyRecord, id: string): readonly RememberedWrite[] {
  return record.writes.filter((write) => write.id === id && !isRefusal(write));
}

/** Whether a round remembers it: a conditional write, or a refusal. */
export function isOfRound({ dot }: RememberedWrite): boolean {
  return isPaxosDot(dot);
}

/** Whether the id was refused for good. */
export function isRefused(record: KeyRecord, id: string): boolean {
  return record.writes.some((write) => write.id === id && isRefusal(write));
}

/** Total order: newest first; ties by id, then by dot. */
export function compareRememberedWrites(left: RememberedWrite, right: RememberedWrite): number {
  if (left.writtenAtMs !== right.writtenAtMs) return right.writtenAtMs - left.writtenAtMs;
  if (left.id !== right.id) return left.id < right.id ? -1 : 1;
  return compareDots(left.dot, right.dot);
}

/**
 * Lists that rounds have filled, and nothing else is in. The next write of such a key pushes out the last one, without a look at the
 * others: 64 of them are seldom in the processor's cache.
 */
const fullOfRounds = new WeakSet<readonly RememberedWrite[]>();

/** As joinRememberedWrites of a list with one write more, which is the newest as a rule. */
export function withRememberedWrite(
  writes: readonly RememberedWrite[],
  write: RememberedWrite,
): readonly RememberedWrite[] {
  const [newest] = writes;
  if (newest === undefined) return [write];
  if (compareRememberedWrites(write, newest) >= 0) return joinRememberedWrites([write], writes);
  if (writes.length < MAX_WRITE_IDS) return [write, ...writes];
  if (!isOfRound(write) || !isFullOfRounds(writes)) return joinRememberedWrites([write], writes);
  const next = [write, ...writes.slice(0, -1)];
  fullOfRounds.add(next);
  return next;
}

function isFullOfRounds(writes: readonly RememberedWrite[]): boolean {
  if (writes.length !== MAX_WRITE_IDS) return false;
  if (fullOfRounds.has(writes)) return true;
  const isFull = countOfRounds(writes) === MAX_WRITE_IDS;
  if (isFull) fullOfRounds.add(writes);
  return isFull;
}

/** Both sorted by compareRememberedWrites, without equals, and no window above its bound; so is what comes of it. */
export function joinRememberedWrites(
  left: readonly RememberedWrite[],
  right: readonly RememberedWrite[],
): readonly RememberedWrite[] {
  if (left.length === 0) return right;
  if (right.length === 0) return left;
  const joined: RememberedWrite[] = [];
  let [plain, ofRounds, fromLeft, fromRight] = [0, 0, 0, 0];
  for (;;) {
    const one = left[fromLeft];
    const other = right[fromRight];
    const order = orderOf(one, other);
    const next = order <= 0 ? one : other;
    if (next === undefined) return joined;
    const place = isOfRound(next) ? ofRounds++ : plain++;
    if (place < MAX_WRITE_IDS) joined.push(next);
    if (order <= 0) fromLeft += 1;
    if (order >= 0) fromRight += 1;
  }
}

/** Whether no window holds more than its bound. */
export function areWithinWindows(writes: readonly RememberedWrite[]): boolean {
  if (writes.length <= MAX_WRITE_IDS) return true;
  const ofRounds = countOfRounds(writes);
  return Math.max(ofRounds, writes.length - ofRounds) <= MAX_WRITE_IDS;
}

/** What is not there comes last. */
function orderOf(one: RememberedWrite | undefined, other: RememberedWrite | undefined): number {
  if (one === undefined || other === undefined) return one === undefined ? 1 : -1;
  return one === other ? 0 : compareRememberedWrites(one, other);
}

/** Whether the record remembers anything under this id: of most it does not, and nothing else need be asked. */
export function isRemembered({ writes }: Pick<KeyRecord, 'writes'>, id: string): boolean {
  for (const write of writes) if (write.id === id) return true;
  return false;
}

/** What the record remembers of a write with this id and these bytes: of several dots the smallest. */
export function findRememberedWrite(
  record: KeyRecord,
  { id, requestDigest }: Pick<RememberedWrite, 'id' | 'requestDigest'>,
): RememberedWrite | undefined {
  let found: RememberedWrite | undefined;
  for (const write of record.writes) {
    if (write.id !== id || write.requestDigest !== requestDigest) continue;
    if (found === undefined || compareDots(write.dot, found.dot) < 0) found = write;
  }
  return found;
}

/** The request that made a sibling; undefined if it had no write id, or if the record does not remember it any more. */
export function findRequest(record: KeyRecord, { writeId, dot }: Sibling): RememberedWrite | undefined {
  if (writeId === undefined) return undefined;
  return record.writes.find((write) => write.id === writeId && sameDot(write.dot, dot));
}

/** Whether two dots stand for one request, which two coordinators took. */
export function isSameRequest(left: RememberedWrite, right: RememberedWrite): boolean {
  return (
    left.id === right.id && left.requestDigest === right.requestDigest && left.seenDigest === right.seenDigest
  );
}

/** Whether ids may have been forgotten, so that an id that is not there proves nothing: be it that of a write, or refused. */
export function mayHaveForgottenWrites({ writes }: Pick<KeyRecord, 'writes'>): boolean {
  if (writes.length < MAX_WRITE_IDS) return false;
  const ofRounds = countOfRounds(writes);
  return Math.max(ofRounds, writes.length - ofRounds) >= MAX_WRITE_IDS;
}

/**
 * As mayHaveForgottenWrites, of ids that only rounds remember. `sinceMs`: of what they remember from that time on (milliseconds since
 * 1970, by their ballots); the window holds the newest.
 */
export function mayHaveForgottenRounds({ writes }: Pick<KeyRecord, 'writes'>, sinceMs: number): boolean {
  if (writes.length < MAX_WRITE_IDS) return false;
  const oldest = writes.findLast(isOfRound);
  if ((oldest?.writtenAtMs ?? 0) < sinceMs) return false;
  return isFullOfRounds(writes) || countOfRounds(writes) >= MAX_WRITE_IDS;
}

function countOfRounds(writes: readonly RememberedWrite[]): number {
  let count = 0;
  for (const write of writes) if (isOfRound(write)) count += 1;
  return count;
}

/** The time of the newest that a round remembers, milliseconds since 1970; 0 if there is none. */
export function newestOfRounds({ writes }: Pick<KeyRecord, 'writes'>): number {
  return writes.find(isOfRound)?.writtenAtMs ?? 0;
}
