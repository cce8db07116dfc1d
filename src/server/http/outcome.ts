/**
 * `/v1/outcome`: settles a conditional write whose outcome is unknown. If nothing came of it so far, nothing will from now on, so
 * this is a write, and asks for the right to write.
 */
import type { OutcomeBody } from '../../api/bodies.ts';
import { PATHS } from '../../api/paths.ts';
import type { Settled } from '../../core/outcome.ts';
import { entryName } from './entry-name.ts';
import type { Exchange } from './exchange.ts';
import { bucketOf, type EntryService, knownQuery } from './operation.ts';
import { checkedWriteId, refuseUnknownHeaders, timeoutOf } from './operation-headers.ts';
import { problemOfFailure } from './problem.ts';
import { jsonReply, type Reply } from './reply.ts';

/** Answers a GET below /v1/outcome. Throws problems. */
export async function settleWrite(service: EntryService, exchange: Exchange): Promise<Reply> {
  const entry = entryName(exchange.path, PATHS.outcome);
  const query = knownQuery(exchange.query, ['writeId']);
  refuseUnknownHeaders(exchange.headers);
  const writeId = checkedWriteId(query.get('writeId') ?? '', 'The query parameter writeId');
  const outcome = await service.node.conditional({
    ...{ bucket: entry.bucket, key: entry.key },
    n: bucketOf(service, entry).n,
    timeoutMs: timeoutOf(exchange.headers),
    operation: { type: 'settle', writeId },
    returnRecord: false,
  });
  if (outcome.type === 'failed') throw problemOfFailure(outcome, 'linearizable read');
  if (outcome.type !== 'settled') throw new Error(`a settlement ended in ${outcome.type}`);
  return jsonReply(bodyOf(entry, writeId, outcome));
}

function bodyOf(
  { bucket, key }: { readonly bucket: string; readonly key: string },
  writeId: string,
  { state, etag }: Settled,
): OutcomeBody {
  return { bucket, key, writeId, state, ...(etag === undefined ? {} : { etag: `"${etag}"` }) };
}
