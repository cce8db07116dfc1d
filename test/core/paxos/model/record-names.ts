/** Short canonical names of records, in the place of codec's digests: equal for equal records only. */
import { formatDot } from '../../../../src/core/causality/dot.ts';
import type { KeyRecord, SiblingContent } from '../../../../src/core/causality/record.ts';
import { describeRecord } from '../../causality/sample-records.ts';

const VALUE: SiblingContent = { type: 'value', contentType: 'x', bytes: new Uint8Array() };
const TOMBSTONE: SiblingContent = { type: 'tombstone' };
const DIGESTS = new WeakMap<KeyRecord, string>();

export function contentOf(isDelete: boolean): SiblingContent {
  return isDelete ? TOMBSTONE : VALUE;
}

export function etagOf({ siblings }: KeyRecord): string {
  return siblings.map(({ dot }) => formatDot(dot)).join();
}

export function digestOf(record: KeyRecord | undefined): string {
  if (record === undefined) return '';
  const known = DIGESTS.get(record);
  if (known !== undefined) return known;
  const digest = describeRecord(record);
  DIGESTS.set(record, digest);
  return digest;
}
