/**
 * What a data directory says of itself, looked at before anything is served: a node never starts on another node's data, nor
 * on data that were laid out for another placement. Each opening is written down, durably, before anybody can hear of it, so that one
 * which somebody remembers and the store does not know was lost with what it wrote.
 *
 * A new directory gets its identity, its first opening and its first number in one batch: if that is lost, there is no identity, and
 * if what comes right after it is lost, its number is still there to tell. In batches of their own, the number could be lost with
 * what came after it, and nothing would be missed.
 */
import { metaKey, WHOLE_STORE } from '../codec/key-layout.ts';
import { FormatError } from '../codec/packer.ts';
import {
  type DecodedIdentity,
  decodeStoreIdentity,
  encodeStoreIdentity,
  STORE_FORMAT_VERSION,
  type StoreIdentity,
} from '../codec/store-identity.ts';
import {
  decodeOpenings,
  decodeRecoveryState,
  decodeStoreMark,
  encodeOpenings,
  type RecoveryState,
} from '../codec/store-meta.ts';
import type { NodeId, StoreId } from '../core/ids.ts';
import { type OpeningList, type StoreMark, withOpening } from '../core/membership/store-mark.ts';
import type { Random } from '../ports/random.ts';
import type { Storage, StorageWrite } from '../ports/storage.ts';
import { drawStoreId, IncarnationSource } from './replica/incarnation.ts';
import { StartRefused } from './start-refused.ts';
import { readStoreSequence } from './store-sequence.ts';

const SINGLE = 2;

export interface StoreOwner {
  readonly cluster: string;
  readonly nodeId: NodeId;
  /** As describePlacement gives it. */
  readonly placement: string;
}

/** What a store says of itself when it is opened. */
export interface OpenedStore {
  readonly storeId: StoreId;
  /** The sequence number that it has reached. */
  readonly sequence: number;
  /** Those after which it has lost batches. */
  readonly gaps: readonly number[];
  /** Of this opening. */
  readonly incarnations: IncarnationSource;
  /** Openings before this one. */
  readonly earlier: OpeningList;
  /** Undefined: its node has never lost anything. `damaged`: it is not known what. */
  readonly recovery: RecoveryState | 'damaged' | undefined;
  /** What is remembered of other members' stores. */
  readonly marks: ReadonlyMap<NodeId, StoreMark>;
  /** On which keys it has no vote because it has taken the place of a store that may have voted. */
  readonly voteless: Voteless;
}

/** `single`: on keys of one copy, for which there is nobody that could let it vote. */
export type Voteless = 'none' | 'single' | 'all';

/** The store, new or old. Rejects with StartRefused, or with an I/O error. */
export async function openStore(
  storage: Storage,
  owner: StoreOwner,
  members: readonly NodeId[],
  random: Random,
): Promise<OpenedStore> {
  const { storeId, created } = await identify(storage, owner, random);
  const recovery = await storage.get(metaKey('recovery'));
  const marks = new Map<NodeId, StoreMark>();
  for (const member of members) {
    const bytes = await storage.get(metaKey(`peer:${member}`));
    const mark = bytes === undefined ? undefined : readableOr(undefined, () => decodeStoreMark(bytes));
    if (mark !== undefined) marks.set(member, mark);
  }
  const { reached: sequence, missing, gaps } = await readStoreSequence(storage);
  const incarnations = new IncarnationSource(storeId, random);
  const earlier = await readOpenings(storage, sequence);
  const openings = withOpening(earlier, { opening: incarnations.opening, openedAt: sequence });
  const opened: StorageWrite = { type: 'put', key: metaKey('openings'), value: encodeOpenings(openings) };
  await storage.write([...created, opened, ...missing], { sync: true });
  return {
    storeId,
    sequence,
    gaps,
    incarnations,
    earlier,
    recovery: recovery === undefined ? undefined : readableOr('damaged', () => decodeRecoveryState(recovery)),
    marks,
    voteless: votelessOf(await storage.get(metaKey('newcomer'))),
  };
}

/** What is written down of it. */
export function votelessWrite(voteless: Voteless): StorageWrite {
  const key = metaKey('newcomer');
  if (voteless === 'none') return { type: 'delete', key };
  return { type: 'put', key, value: Uint8Array.of(voteless === 'all' ? 1 : SINGLE) };
}

function votelessOf(note: Uint8Array | undefined): Voteless {
  if (note === undefined) return 'none';
  return note.length === 1 && note[0] === SINGLE ? 'single' : 'all';
}

/** A store without a list was last opened by a program that kept none; one whose list is damaged does not know its openings. */
async function readOpenings(storage: Storage, sequence: number): Promise<OpeningList> {
  const bytes = await storage.get(metaKey('openings'));
  if (bytes === undefined) return { openings: [], unlistedUpTo: sequence };
  return readableOr({ openings: [], unlistedUpTo: 0 }, () => decodeOpenings(bytes));
}

function readableOr<Value, Other>(other: Other, read: () => Value): Value | Other {
  try {
    return read();
  } catch (error) {
    if (error instanceof FormatError) return other;
    throw error;
  }
}

interface Identified {
  readonly storeId: StoreId;
  /** What has to be written first, if the store is new. */
  readonly created: readonly StorageWrite[];
}

async function identify(storage: Storage, owner: StoreOwner, random: Random): Promise<Identified> {
  const bytes = await storage.get(metaKey('store'));
  if (bytes === undefined) return createStore(storage, owner, random);
  const { storeId, cluster, nodeId, placement } = readIdentity(bytes);
  if (cluster !== owner.cluster || nodeId !== owner.nodeId) {
    throw new StartRefused(
      'foreign-store',
      `The data directory belongs to node "${nodeId}" of cluster "${cluster}", not to node "${owner.nodeId}" of cluster "${owner.cluster}". Name the right directory, or an empty one.`,
    );
  }
  if (placement !== owner.placement) {
    throw new StartRefused(
      'configuration-changed',
      `The data were placed under another configuration (${changes(placement, owner.placement)}). Changing it would look for keys where they do not lie: go back to the old values, or start with empty directories and import the data again.`,
    );
  }
  return { storeId, created: [] };
}

async function createStore(storage: Storage, owner: StoreOwner, random: Random): Promise<Identified> {
  if (await isDamaged(storage)) throw unreadable('it holds numbers of batches, but no identity');
  if (!(await isEmpty(storage))) {
    throw new StartRefused(
      'foreign-store',
      'The data directory holds a LevelDB store that Quorate did not write. Name another directory.',
    );
  }
  const storeId = drawStoreId(random);
  const value = encodeStoreIdentity({ storeId, ...owner });
  return { storeId, created: [{ type: 'put', key: metaKey('store'), value }] };
}

/** Whether there are traces of batches although the first thing that a store writes is not there. */
async function isDamaged(storage: Storage): Promise<boolean> {
  const { reached, missing } = await readStoreSequence(storage);
  return reached > 0 || missing.length === 0;
}

async function isEmpty(storage: Storage): Promise<boolean> {
  const entries = storage.range({ ...WHOLE_STORE, limit: 1 })[Symbol.asyncIterator]();
  const { done } = await entries.next();
  await entries.return?.();
  return done === true;
}

function readIdentity(bytes: Uint8Array): StoreIdentity {
  let decoded: DecodedIdentity;
  try {
    decoded = decodeStoreIdentity(bytes);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw unreadable(error.message);
  }
  if (decoded.type === 'identity') return decoded.identity;
  throw new StartRefused(
    'newer-format',
    `The data directory has format version ${decoded.version}; this program reads version ${STORE_FORMAT_VERSION}. Use the program that wrote it.`,
  );
}

function unreadable(why: string): StartRefused {
  return new StartRefused(
    'unreadable-store',
    `The data directory does not say whose it is (${why}): it is damaged. Move it aside and start with an empty one; what other replicas hold can be read from them.`,
  );
}

/** Names what differs between two placements, for people. */
function changes(before: string, after: string): string {
  const [old, now] = [fieldsOf(before), fieldsOf(after)];
  const names = new Set([...Object.keys(old), ...Object.keys(now)]);
  const changed = [...names].filter((name) => JSON.stringify(old[name]) !== JSON.stringify(now[name]));
  return changed.map((name) => `${name}: ${brief(old[name])}, now ${brief(now[name])}`).join('; ');
}

function fieldsOf(placement: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(placement) as Record<string, unknown>;
  } catch {
    return { placement };
  }
}

function brief(value: unknown): string {
  const text = JSON.stringify(value) ?? 'none';
  return text.length <= 120 ? text : `${text.slice(0, 117)}...`;
}
