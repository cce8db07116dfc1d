/**
 * What a client's write does to the coordinator's own record: the whole decision, without any effect. The caller runs
 * it inside the key's serial section and makes the result durable before it leaves that section.
 */
import type { Incarnation } from '../ids.ts';
import type { Limits } from '../limits.ts';
import type { Dot } from './dot.ts';
import { joinRecords } from './join.ts';
import { isAheadOn, mintDot, type NewWrite, recordOfWrite } from './mint.ts';
import type { KeyRecord, RememberedWrite } from './record.ts';
import {
  findRememberedWrite,
  isRemembered,
  mayHaveForgottenWrites,
  writesNamed,
} from './remembered-writes.ts';
import { liveSiblings } from './visible-siblings.ts';

export interface ProposedWrite extends Omit<NewWrite, 'dot' | 'identity' | 'created'> {
  readonly identity:
    | { readonly id: string; readonly requestDigest: string; readonly firstAttempt: boolean }
    | undefined;
}

export type WriteDecision =
  | { readonly type: 'minted'; readonly dot: Dot; readonly record: KeyRecord }
  /** The write id names a write that is here already: the same event, and the same answer. */
  | { readonly type: 'repeated'; readonly write: RememberedWrite; readonly record: KeyRecord }
  /** The write id names another write. */
  | { readonly type: 'reused' }
  /** The write id was refused for good: an earlier attempt was answered so, or somebody asked what had become of it. */
  | { readonly type: 'refused' }
  /** The write id is not here, but the record may have forgotten it: minting could bring an overwritten value back. */
  | { readonly type: 'expired' }
  /** The record would grow beyond its bounds. A write that does not add a sibling is never refused. */
  | { readonly type: 'sibling-limit'; readonly siblings: number; readonly valueBytes: number }
  /** The client has seen events of this incarnation that the local record lacks: take a new incarnation and ask again. */
  | { readonly type: 'local-store-lost-something' };

export interface Minter {
  readonly incarnation: Incarnation;
  /** Allocates an epoch that this incarnation never used. Called only if the write is minted or refused by a bound. */
  readonly openEpoch: () => number;
}

export function decideWrite(
  local: KeyRecord | undefined,
  write: ProposedWrite,
  minter: Minter,
  limits: Pick<Limits, 'maxSiblings' | 'maxRecordBytes'>,
): WriteDecision {
  const earlier = decideByIdentity(local, write);
  if (earlier !== undefined) return earlier;
  if (write.seen !== undefined && isAheadOn(minter.incarnation, write.seen, local)) {
    return { type: 'local-store-lost-something' };
  }
  const dot = mintDot(local, minter.incarnation, minter.openEpoch);
  const alone = recordOfWrite({ ...write, dot, created: createsKey(local) });
  const record = local === undefined ? alone : joinRecords(local, alone);
  return exceeds(record, local, limits) ?? { type: 'minted', dot, record };
}

/** What the write id alone decides, if anything; also asked of records that were read elsewhere. */
export function decideByIdentity(
  record: KeyRecord | undefined,
  { identity }: Pick<ProposedWrite, 'identity'>,
): Extract<WriteDecision, { type: 'repeated' | 'reused' | 'refused' | 'expired' }> | undefined {
  if (identity === undefined || record === undefined) return undefined;
  if (!isRemembered(record, identity.id))
    return !identity.firstAttempt && mayHaveForgottenWrites(record) ? { type: 'expired' } : undefined;
  const write = findRememberedWrite(record, identity);
  if (write !== undefined) return { type: 'repeated', write, record };
  return writesNamed(record, identity.id).length > 0 ? { type: 'reused' } : { type: 'refused' };
}

/** Whether a write finds nothing alive. */
export function createsKey(before: KeyRecord | undefined): boolean {
  return before === undefined || liveSiblings(before).length === 0;
}

function exceeds(
  record: KeyRecord,
  before: KeyRecord | undefined,
  limits: Pick<Limits, 'maxSiblings' | 'maxRecordBytes'>,
): WriteDecision | undefined {
  const siblings = record.siblings.length;
  if (siblings <= (before?.siblings.length ?? 0) || siblings === 1) return undefined;
  const valueBytes = sumValueBytes(record);
  if (siblings <= limits.maxSiblings && valueBytes <= limits.maxRecordBytes) return undefined;
  return { type: 'sibling-limit', siblings, valueBytes };
}

function sumValueBytes(record: KeyRecord): number {
  return record.siblings.reduce(
    (sum, { content }) => sum + (content.type === 'value' ? content.bytes.length : 0),
    0,
  );
}
