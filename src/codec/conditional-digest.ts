/** Digest of what a conditional write asks for: its condition, kind, content type and value. */
import type { ConditionalOperation } from '../core/request.ts';
import { requestDigest } from './hash.ts';

const DELETED = new Uint8Array(0);

/** 16 hex digits. Of plain writes none has the same but by chance: their content types hold no line break. */
export function requestDigestOf({
  condition,
  content,
}: Pick<Extract<ConditionalOperation, { readonly type: 'write' }>, 'condition' | 'content'>): string {
  const what = condition.type === 'if-absent' ? '*' : [...condition.etags].toSorted().join(',');
  const kind = content.type === 'tombstone' ? 'delete' : `put\n${content.contentType}`;
  return requestDigest({
    contentType: `if\n${what}\n${kind}`,
    value: content.type === 'tombstone' ? DELETED : content.bytes,
  });
}
