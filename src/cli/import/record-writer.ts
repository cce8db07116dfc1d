/**
 * Writes records through the client: each goes to the first home replica of its key, so that all nodes share the work, and
 * to another node when one fails. With `--node` it goes through the named nodes only, in turn.
 *
 * The write id comes from the record, so the client cannot promise that it was never sent, and each write first looks for
 * an earlier run's. That costs a question to R replicas and is what makes running an import again harmless.
 */
import type { Codec } from '../../client/codec.ts';
import { connect } from '../../client/connect.ts';
import type { Consistency } from '../../client/options.ts';
import type { Connection, ConnectionOptions } from '../connection.ts';
import type { QuorumOptions } from '../quorum-options.ts';
import type { WriteRecord } from './import-run.ts';

/** A line is stored byte for byte; that it is JSON was seen when its key was read. */
const lineCodec: Codec<Uint8Array> = {
  contentType: 'application/json',
  encode: (line) => line,
  decode: (line) => line,
};

/** A writer for one bucket. Throws a `QuorateError` if bucket or options are not possible. */
export function recordWriter(
  connection: Connection,
  bucket: string,
  options: QuorumOptions & ConnectionOptions,
): WriteRecord {
  const { n, w, consistency } = options;
  const client = connect({
    nodes: connection.nodeUrls,
    transport: connection.transport,
    timeoutMs: connection.timeoutMs,
    routing: options.node === undefined ? 'ring' : 'round-robin',
  });
  const lines = client.bucket(bucket, { codec: lineCodec, n, w, consistency: consistency as Consistency });
  return async ({ key, value, writeId }) => lines.putBlind(key, value, { writeId });
}
