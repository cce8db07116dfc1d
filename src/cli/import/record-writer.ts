import type { Connection } from '../connection.ts';
import type { QuorumOptions } from '../quorum-options.ts';
import type { WriteRecord } from './import-run.ts';
export interface RecordWriter {
  readonly write: WriteRecord;
  close(): Promise<void>;
}
export async function recordWriter(
  _c: Connection,
  _bucket: string,
  _o: QuorumOptions,
): Promise<RecordWriter> {
  throw new Error('stub');
}
