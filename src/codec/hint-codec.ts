/**
 * What lies at the key of a hint (key-layout.ts). The key says all that delivery needs: whom the record is for, and which
 * record it is, which lies where it lies on a home replica. The value is for people and for the bound on bytes.
 */
import { FormatError, packFields, unpackFields } from './packer.ts';

const FORMAT_VERSION = 2;
/** Does not tell whether it is a stray, so it is taken for one: then all home replicas are asked before the record goes. */
const FIRST_FORMAT_VERSION = 1;

export interface Hint {
  /** Wall clock of the node that keeps it, milliseconds since 1970: when it was first stored. */
  readonly storedAtMs: number;
  /** Bytes of the encoded record at that time. */
  readonly bytes: number;
  /**
   * Whether the record was found where it does not belong: then it is kept for all its home replicas, and goes when they all have it. Else it
   * stands in for one that was away, and those that were there acknowledged the write themselves.
   */
  readonly isStray: boolean;
}

export function encodeHint({ storedAtMs, bytes, isStray }: Hint): Uint8Array {
  return packFields([FORMAT_VERSION, storedAtMs, bytes, isStray]);
}

/** Throws FormatError for damaged bytes or another version. */
export function decodeHint(value: Uint8Array): Hint {
  const fields = unpackFields(value);
  const version = fields.integer(0);
  if (version !== FORMAT_VERSION && version !== FIRST_FORMAT_VERSION) {
    throw new FormatError(
      `hint format version ${version}; this program reads up to version ${FORMAT_VERSION}`,
    );
  }
  const hint = {
    storedAtMs: fields.integer(0),
    bytes: fields.integer(0),
    isStray: version === FIRST_FORMAT_VERSION || fields.boolean(),
  };
  fields.end();
  return hint;
}
