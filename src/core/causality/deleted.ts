/** Records that tell of deletions only: nobody misses them once no replica, and no message, knows what was deleted. */
import type { KeyRecord } from './record.ts';

/**
 * When the last of a record's deletions was made, milliseconds since 1970 by its coordinator's clock; undefined if something
 * in the record is alive.
 */
export function deletedAtMs({ siblings }: KeyRecord): number | undefined {
  let latest: number | undefined;
  for (const { content, writtenAtMs } of siblings) {
    if (content.type !== 'tombstone') return undefined;
    latest = Math.max(latest ?? 0, writtenAtMs);
  }
  return latest;
}
