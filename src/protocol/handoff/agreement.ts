/**
 * Asked before a record that lies where it does not belong goes: whether its home replicas hold it now. Each of them has acknowledged
 * it at some time; but the first may have done so long before the last, for another version, or with a disk that it has lost since.
 */
import { recordDigest } from '../../codec/record-codec.ts';
import type { EntryName, NodeId } from '../../core/ids.ts';
import { askPeer, type QuestionPorts } from '../background/peer-question.ts';

/**
 * Resolves to true if each of these home replicas holds exactly this record, by its digest, or has just acknowledged it durably:
 * whoever holds something else is given it again, which changes nothing where more is held. Rejects with ExchangeBroken if one
 * of them does not answer.
 */
export async function allHold(
  ports: QuestionPorts,
  homes: readonly NodeId[],
  entry: EntryName,
  record: Uint8Array,
): Promise<boolean> {
  const known = recordDigest(record);
  const held = await Promise.all(
    homes.map(async (home) => {
      const { reply } = await askPeer(ports, home, { type: 'read', ...entry, known });
      if (reply.type === 'same') return true;
      const given = await askPeer(ports, home, { type: 'store', ...entry, record });
      return given.reply.type === 'stored';
    }),
  );
  return held.every((isHeld) => isHeld);
}
