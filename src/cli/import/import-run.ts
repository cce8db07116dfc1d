/**
 * Writes the records of a stream of lines, a bounded number and a bounded size of them at a time. That bounds the memory,
 * whatever the size of the file and of its lines.
 *
 * However the run ends (the file, an interrupt, a file that cannot be read further, a bug), the records in flight are
 * waited for: what is told of them is then all that is known.
 */
import { QuorateError } from '../../client/errors.ts';
import { isUnavailable } from '../exit-codes.ts';
import { usageFailure } from '../failure.ts';
import type { ImportTally } from './import-tally.ts';
import type { Line } from './lines.ts';
import { beginsArray, recordLineOf } from './record-line.ts';

/** After so many records in a row that no quorum took, there is no point in going on. */
const MAX_UNAVAILABLE_IN_A_ROW = 256;
/** Bytes of the records in flight by default, unless a single one has more. */
const MAX_BYTES_IN_FLIGHT = 64 * 1024 * 1024;

/** A record as it is written. */
export interface RecordWrite {
  readonly key: string;
  readonly value: Uint8Array;
  readonly writeId: string;
}

/** Writes one record, retries included, and answers how many values its key holds then. Rejects with a `QuorateError`. */
export type WriteRecord = (record: RecordWrite) => Promise<{ readonly siblings: number }>;

/** What to import. */
export interface ImportRunOptions {
  readonly lines: AsyncIterable<Line>;
  readonly bucket: string;
  readonly keyField: string;
  /** Records being written at once. */
  readonly concurrency: number;
  /** Bytes of the records being written at once, unless a single one has more; 64 MiB by default. */
  readonly maxBytesInFlight?: number;
  /** Stop at the first line that cannot be imported. */
  readonly strict: boolean;
  readonly write: WriteRecord;
  readonly tally: ImportTally;
  /** Told the offset of the line that was taken up last. */
  readonly onOffset: (endOffset: number) => void;
  /** Ends the import when the records in flight are done. */
  readonly signal: AbortSignal;
}

/** Runs to the end of the lines; answers why it stopped earlier, if it did. Throws if the file is one JSON array. */
export async function importLines(options: ImportRunOptions): Promise<string | undefined> {
  const run = new ImportRun(options);
  return run.run();
}

class ImportRun {
  readonly #options: ImportRunOptions;
  readonly #inFlight = new Set<Promise<void>>();
  #bytesInFlight = 0;
  #unavailableInARow = 0;
  #stopped: string | undefined;
  /** Set while all places are taken: called when one is free. */
  #onFreePlace: (() => void) | undefined;
  /** What no write is supposed to throw. */
  #bug: { readonly thrown: unknown } | undefined;

  constructor(options: ImportRunOptions) {
    this.#options = options;
  }

  async run(): Promise<string | undefined> {
    try {
      await this.#takeLines();
    } finally {
      await Promise.all(this.#inFlight);
    }
    if (this.#bug !== undefined) throw this.#bug.thrown;
    return this.#stopped;
  }

  async #takeLines(): Promise<void> {
    const lines = this.#options.lines[Symbol.asyncIterator]();
    let begun = false;
    let number = 1;
    for (;;) {
      const line = await this.#nextLine(lines, number);
      if (line === undefined) break;
      if (this.#mustStop(line.number)) break;
      if (!begun && beginsArray(line)) throw arrayFailure();
      begun = (await this.#take(line)) || begun;
      number = line.number + 1;
    }
    await lines.return?.();
  }

  /** Undefined at the end, and where the lines cannot be read any further: then the run stops, and says so. */
  async #nextLine(lines: AsyncIterator<Line>, number: number): Promise<Line | undefined> {
    try {
      const next = await lines.next();
      if (next.done !== true) return next.value;
      // Whoever interrupts may close the stream, to end a wait for more lines.
      this.#mustStop(number);
    } catch (thrown) {
      if (this.#mustStop(number)) return undefined;
      const reason = thrown instanceof Error ? thrown.message : String(thrown);
      this.#options.tally.countUnreadable();
      this.#stopped = `line ${number} could not be read: ${reason}`;
    }
    return undefined;
  }

  #mustStop(line: number): boolean {
    if (this.#options.signal.aborted) this.#stopped ??= `interrupted before line ${line}`;
    return this.#stopped !== undefined;
  }

  /** Answers whether the line held anything. */
  async #take(line: Line): Promise<boolean> {
    const { bucket, keyField, tally } = this.#options;
    const record = recordLineOf(line, bucket, keyField);
    if (record.type === 'record') await this.#begin(line, record);
    else this.#options.onOffset(line.endOffset);
    if (record.type === 'malformed') {
      tally.countMalformed(line.number, record.reason);
      this.#stopIfStrict(line.number);
    }
    return record.type !== 'blank';
  }

  /** Begins to write when there is room, unless there is a reason to stop by then. */
  async #begin(line: Line, record: RecordWrite): Promise<void> {
    const { length } = record.value;
    while (!this.#hasRoomFor(length)) await this.#freePlace();
    if (this.#mustStop(line.number)) return;
    this.#options.onOffset(line.endOffset);
    this.#bytesInFlight += length;
    const writing = this.#write(line.number, record).then(() => {
      this.#inFlight.delete(writing);
      this.#bytesInFlight -= length;
      this.#onFreePlace?.();
    });
    this.#inFlight.add(writing);
  }

  #hasRoomFor(bytes: number): boolean {
    const { concurrency, maxBytesInFlight = MAX_BYTES_IN_FLIGHT } = this.#options;
    if (this.#inFlight.size === 0) return true;
    return this.#inFlight.size < concurrency && this.#bytesInFlight + bytes <= maxBytesInFlight;
  }

  async #freePlace(): Promise<void> {
    return new Promise((resolve) => {
      this.#onFreePlace = resolve;
    });
  }

  /** Never rejects. */
  async #write(line: number, record: RecordWrite): Promise<void> {
    const { tally, write } = this.#options;
    const startMs = performance.now();
    try {
      const { siblings } = await write(record);
      this.#unavailableInARow = 0;
      tally.countWritten({ bytes: record.value.length, latencyMs: performance.now() - startMs, siblings });
    } catch (thrown) {
      if (!(thrown instanceof QuorateError)) {
        this.#bug = { thrown };
        this.#stopped ??= 'the command line is broken';
        return;
      }
      tally.countFailed(
        { line, key: record.key, code: thrown.code, message: thrown.message },
        isRefused(thrown) ? 'not-applied' : thrown.outcome,
      );
      this.#stopIfStrict(line);
      this.#countUnavailable(thrown.code, line);
    }
  }

  #stopIfStrict(line: number): void {
    if (this.#options.strict) this.#stopped ??= `--strict: line ${line} could not be imported`;
  }

  #countUnavailable(code: string, line: number): void {
    this.#unavailableInARow = isUnavailable(code) ? this.#unavailableInARow + 1 : 0;
    if (this.#unavailableInARow >= MAX_UNAVAILABLE_IN_A_ROW) {
      this.#stopped ??= `${MAX_UNAVAILABLE_IN_A_ROW} records in a row found no quorum, up to line ${line}`;
    }
  }
}

/**
 * Whether nothing of a record was written by this run: nobody was reached, or it was refused for what it is. (That an earlier run may
 * have written it, under the same id, is not what is counted here.)
 */
function isRefused({ attempts }: QuorateError): boolean {
  return (
    attempts.length > 0 &&
    attempts.every(({ code, status = 0 }) => code === 'unreachable' || (status >= 400 && status < 500))
  );
}

function arrayFailure(): Error {
  return usageFailure(
    'the file is one JSON array, not NDJSON (one JSON object on each line).',
    "Turn it into lines first: jq -c '.[]' FILE.json > FILE.ndjson",
  );
}
