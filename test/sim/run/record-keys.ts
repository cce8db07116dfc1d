/** Which entries of a simulated disk are records, or hints, and of which keys (codec/key-layout.ts). */
import type { EntryName } from '../../../src/core/ids.ts';

const RECORD = 0x64;
const HINT = 0x68;
const RECORD_HEADER_BYTES = 3;

export function isRecordKey(storageKey: Uint8Array): boolean {
  return storageKey[0] === RECORD;
}

export function entryOf(storageKey: Uint8Array): EntryName {
  const name = Buffer.from(storageKey.subarray(RECORD_HEADER_BYTES)).toString('utf8');
  const end = name.indexOf('\0');
  return { bucket: name.slice(0, end), key: name.slice(end + 1) };
}

export function isHintKey(storageKey: Uint8Array): boolean {
  return storageKey[0] === HINT;
}
