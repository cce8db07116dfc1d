/**
 * LevelDB's write-ahead log as its documentation has it (log_format.md): blocks of 32 KiB, in each of them records with a
 * header of checksum (4), length (2) and type (1); a batch that does not fit into the block goes on in the next.
 */
const BLOCK_BYTES = 32 * 1024;
const HEADER_BYTES = 7;
const FULL = 1;
const LAST = 4;

/** One batch of writes. */
export interface LogBatch {
  readonly bytes: Buffer;
  /** Where it ends in the file: synced up to there, it is on the disk. */
  readonly end: number;
}

/** All batches of a log, up to its end or to where it is cut. */
export function batchesIn(log: Buffer): readonly LogBatch[] {
  const batches: LogBatch[] = [];
  let parts: Buffer[] = [];
  for (let at = 0; at + HEADER_BYTES <= log.length; ) {
    const leftInBlock = BLOCK_BYTES - (at % BLOCK_BYTES);
    if (leftInBlock < HEADER_BYTES) {
      at += leftInBlock;
      continue;
    }
    const end = at + HEADER_BYTES + log.readUInt16LE(at + 4);
    const type = log[at + 6] as number;
    if (type === 0 || end > log.length) break;
    parts.push(log.subarray(at + HEADER_BYTES, end));
    if (type === FULL || type === LAST) {
      batches.push({ bytes: Buffer.concat(parts), end });
      parts = [];
    }
    at = end;
  }
  return batches;
}
