/**
 * Write ids in short. Nearly all of them are 16 bytes in disguise: UUIDs, as clients draw them, or base64url, as nodes do. An id fits
 * one form only.
 */
import { MAX_WRITE_ID_CHARACTERS } from '../core/limits.ts';
import { textOf } from './byte-stream.ts';

export interface WriteIdForm {
  readonly fits: (id: string) => boolean;
  /** Bytes that each has; undefined: they differ, and the first one says how many follow. */
  readonly length: number | undefined;
  readonly pack: (id: string) => Uint8Array;
  readonly unpack: (bytes: Uint8Array) => string;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
/** 16 bytes leave the last four bits of 22 characters unused. */
const DRAWN = /^[A-Za-z0-9_-]{21}[AQgw]$/;
/** As the API takes them. */
const TEXT = /^[!-~]+$/;

/** By their numbers in the format. */
export const WRITE_ID_FORMS: readonly WriteIdForm[] = [
  {
    fits: (id) => TEXT.test(id) && id.length <= MAX_WRITE_ID_CHARACTERS && !UUID.test(id) && !DRAWN.test(id),
    length: undefined,
    pack: (id) => Uint8Array.of(id.length, ...Buffer.from(id, 'latin1')),
    unpack: (bytes) => textOf(bytes, 'latin1'),
  },
  {
    fits: (id) => UUID.test(id),
    length: 16,
    pack: (id) => Buffer.from(id.replaceAll('-', ''), 'hex'),
    unpack: (bytes) => {
      const hex = textOf(bytes, 'hex');
      const ends = [8, 12, 16, 20, 32];
      return ends.map((end, place) => hex.slice(ends[place - 1] ?? 0, end)).join('-');
    },
  },
  {
    fits: (id) => DRAWN.test(id),
    length: 16,
    pack: (id) => Buffer.from(id, 'base64url'),
    unpack: (bytes) => textOf(bytes, 'base64url'),
  },
];
