/**
 * Which form of an entry a client takes (RFC 9110 12.5.1): the value's own bytes, or the envelope with all siblings. The
 * higher quality wins; of equal ones the type that was named more exactly; of equals the bytes.
 */
import { parseAccept } from 'hono/utils/accept';
import { ENTRY_MEDIA_TYPE } from '../../api/headers.ts';

export type Representation = 'bytes' | 'envelope';

interface Weight {
  readonly quality: number;
  /** 0 nothing matches, 1 any type, 2 any subtype, 3 exactly. */
  readonly exactness: number;
}

const REFUSED: Weight = { quality: 0, exactness: 0 };

/**
 * `contentTypes` are those of the live values; with none of them there are no bytes to be had, yet who takes anything
 * has not excluded them. Undefined if nothing is acceptable.
 */
export function negotiate(
  accept: string | undefined,
  contentTypes: readonly string[],
): Representation | undefined {
  if (accept === undefined || accept === '' || accept === '*/*') return 'bytes';
  if (accept === ENTRY_MEDIA_TYPE) return 'envelope';
  const ranges = parseAccept(accept).map(({ type, q }) => ({ type: type.toLowerCase(), quality: q }));
  const envelope = weightOf(ENTRY_MEDIA_TYPE, ranges);
  const own = contentTypes.length === 0 ? ['*/*'] : contentTypes;
  const bytes = own.map((type) => weightOf(essence(type), ranges)).reduce(heavier, REFUSED);
  if (bytes.quality === 0 && envelope.quality === 0) return undefined;
  return heavier(bytes, envelope) === envelope ? 'envelope' : 'bytes';
}

interface MediaRange {
  readonly type: string;
  readonly quality: number;
}

/** The most exact range decides, so that `text/html;q=0, *\/*` excludes text/html. */
function weightOf(type: string, ranges: readonly MediaRange[]): Weight {
  const major = type.slice(0, type.indexOf('/'));
  let best = REFUSED;
  for (const range of ranges) {
    const exactness =
      range.type === type ? 3 : range.type === `${major}/*` ? 2 : range.type === '*/*' ? 1 : 0;
    if (exactness > best.exactness) best = { quality: range.quality, exactness };
  }
  return best;
}

function heavier(left: Weight, right: Weight): Weight {
  if (right.quality !== left.quality) return right.quality > left.quality ? right : left;
  return right.exactness > left.exactness ? right : left;
}

function essence(contentType: string): string {
  const semicolon = contentType.indexOf(';');
  return (semicolon === -1 ? contentType : contentType.slice(0, semicolon)).trim().toLowerCase();
}
