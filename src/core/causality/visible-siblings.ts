/** What a client sees of a record: aliases (dots of one retried write) are shown as one sibling. */
import { formatDot, sameDot } from './dot.ts';
import type { KeyRecord, Sibling } from './record.ts';
import { findRequest } from './remembered-writes.ts';

export type LiveSibling = Sibling & { readonly content: { readonly type: 'value' } };

/**
 * Siblings in order of their dots, tombstones included; of aliases the one with the smallest dot. A write id that was
 * used for different bytes, against the contract, hides none of them.
 */
export function visibleSiblings(record: KeyRecord): readonly Sibling[] {
  if (record.siblings.length < 2) return record.siblings;
  const shown = new Set<string>();
  return record.siblings.filter((sibling) => {
    const write = findRequest(record, sibling);
    if (write === undefined) return true;
    const name = `${write.requestDigest} ${write.id}`;
    if (shown.has(name)) return false;
    shown.add(name);
    return true;
  });
}

/** The visible siblings that hold a value. */
export function liveSiblings(record: KeyRecord): readonly LiveSibling[] {
  return visibleSiblings(record).filter(isLive);
}

function isLive(sibling: Sibling): sibling is LiveSibling {
  return sibling.content.type === 'value';
}

/** A dot that two siblings with different bytes share, if any: a bug that a metric must show. */
export function findDotCollision(record: KeyRecord): string | undefined {
  const collision = record.siblings.find((sibling, index) => {
    const previous = record.siblings[index - 1];
    return previous !== undefined && sameDot(previous.dot, sibling.dot);
  });
  return collision === undefined ? undefined : formatDot(collision.dot);
}
