/**
 * What one line of an import comes to. The value that is stored is the line itself, byte for byte: numbers keep their
 * digits, and equal lines are equal values.
 *
 * The write id is a digest of the bucket, the key and those bytes. So the same line is the same write, in every run, through
 * every node and wherever it stands in the file: running an import again, after a failure or after other lines were added,
 * makes no siblings. A line whose content changed is another write. A place in the file (its number, its offset) is
 * deliberately left out, for one line put in at the top would make every line below it a new write.
 */
import { createHash } from 'node:crypto';
import { TextDecoder } from 'node:util';
import { MAX_LINE_BYTES, type Line } from './lines.ts';

/** A line to write, one to leave out, or one that cannot be written and why. */
export type RecordLine =
  | { readonly type: 'record'; readonly key: string; readonly value: Buffer; readonly writeId: string }
  | { readonly type: 'blank' }
  | { readonly type: 'malformed'; readonly reason: string };

const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);
const WRITE_ID_PREFIX = 'import-';
/** 40 hex digits (160 bits) make an accidental match of two lines as good as impossible, and fit in a write id. */
const WRITE_ID_DIGITS = 40;

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Reads a line; `keyField` names the field of the record whose value is the key. */
export function recordLineOf(line: Line, bucket: string, keyField: string): RecordLine {
  if (line.bytes === undefined) return malformed(`longer than ${MAX_LINE_BYTES} bytes`);
  const value = line.number === 1 ? withoutByteOrderMark(line.bytes) : line.bytes;
  const text = textOf(value);
  if (text === undefined) return malformed('not UTF-8');
  if (text.trim() === '') return { type: 'blank' };

  let record: unknown;
  try {
    record = JSON.parse(text);
  } catch (thrown) {
    return malformed(`not JSON: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
  }
  if (typeof record !== 'object' || record === null || Array.isArray(record)) {
    return malformed(`not a JSON object but ${kindOf(record)}`);
  }
  if (!Object.hasOwn(record, keyField)) return malformed(`no field "${keyField}"`);
  const key = keyOf((record as Readonly<Record<string, unknown>>)[keyField]);
  if (key === undefined)
    return malformed(`field "${keyField}" is neither a non-empty string nor a safe integer`);
  return { type: 'record', key, value, writeId: writeIdOf(bucket, key, value) };
}

/** Whether the text is the beginning of one JSON array, which people often have instead of NDJSON. */
export function beginsArray(line: Line): boolean {
  const bytes = line.bytes === undefined ? Buffer.alloc(0) : withoutByteOrderMark(line.bytes);
  return bytes.toString('latin1').trimStart().startsWith('[');
}

function withoutByteOrderMark(bytes: Buffer): Buffer {
  return bytes.subarray(0, 3).equals(BYTE_ORDER_MARK) ? bytes.subarray(3) : bytes;
}

function textOf(bytes: Buffer): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

function keyOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value === '' ? undefined : value;
  return Number.isSafeInteger(value) ? String(value) : undefined;
}

/** Lengths stand before the names, so that no other bucket and key run together to the same bytes. */
function writeIdOf(bucket: string, key: string, value: Buffer): string {
  const hash = createHash('sha256');
  hash.update(`${Buffer.byteLength(bucket)}:${bucket}${Buffer.byteLength(key)}:${key}`).update(value);
  return `${WRITE_ID_PREFIX}${hash.digest('hex').slice(0, WRITE_ID_DIGITS)}`;
}

function malformed(reason: string): RecordLine {
  return { type: 'malformed', reason };
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'an array' : `a ${typeof value}`;
}
