/**
 * Writes the records of a stream of lines, a bounded number at a time. Memory is bounded by that number and the length of a
 * line, whatever the size of the file.
 */
import { QuorateError } from '../../client/errors.ts';
import { isUnavailable } from '../exit-codes.ts';
import { usageFailure } from '../failure.ts';
import type { ImportTally } from './import-tally.ts';
import type { Line } from './lines.ts';
import { beginsArray, recordLineOf } from './record-line.ts';

/** After so many records in a row that no quorum took, there is no point in going on. */
const MAX_UNAVAILABLE_IN_A_ROW = 256;

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
    let begun = false;
    for await (const line of this.#options.lines) {
      if (this.#options.signal.aborted) this.#stopped ??= `interrupted before line ${line.number}`;
      if (this.#stopped !== undefined) break;
      if (!begun && beginsArray(line)) throw arrayFailure();
      begun = (await this.#take(line)) || begun;
    }
    await Promise.all(this.#inFlight);
    if (this.#bug !== undefined) throw this.#bug.thrown;
    return this.#stopped;
  }

  /** Answers whether the line held anything. */
  async #take(line: Line): Promise<boolean> {
    const { bucket, keyField, tally, concurrency } = this.#options;
    this.#options.onOffset(line.endOffset);
    const record = recordLineOf(line, bucket, keyField);
    if (record.type === 'blank') return false;
    if (record.type === 'malformed') {
      tally.countMalformed(line.number, record.reason);
      this.#stopIfStrict(line.number);
      return true;
    }
    if (this.#inFlight.size >= concurrency) await this.#freePlace();
    const writing = this.#write(line.number, record).then(() => {
      this.#inFlight.delete(writing);
      this.#onFreePlace?.();
    });
    this.#inFlight.add(writing);
    return true;
  }

  #freePlace(): Promise<void> {
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
        thrown.outcome,
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

function arrayFailure(): Error {
  return usageFailure(
    'the file is one JSON array, not NDJSON (one JSON object on each line).',
    "Turn it into lines first: jq -c '.[]' FILE.json > FILE.ndjson",
  );
}
