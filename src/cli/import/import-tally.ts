/** Counts of an import, and the summary that they come to. */
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import { EXIT, isUnavailable, type ExitCode } from '../exit-codes.ts';

/** Lines that are listed with their number and reason; further ones are only counted. */
const MAX_LISTED_LINES = 20;

/** A line that was not imported. */
export interface LineReport {
  readonly line: number;
  readonly key?: string;
  readonly code: string;
  readonly message: string;
}

/** What an import did. With `--json` it is printed as it stands. */
export interface ImportSummary {
  /** Lines that hold a record, malformed ones left out. */
  readonly records: number;
  /** Records stored on W replicas. */
  readonly written: number;
  /** Records that were surely not written. */
  readonly failed: number;
  /** Records that may have been written, or may yet be. */
  readonly unknown: number;
  /** Lines that are no records. */
  readonly malformed: number;
  /** Records whose key held more than one value after the write: somebody else's, or another line's with this key. */
  readonly withSiblings: number;
  readonly errorsByCode: readonly { readonly code: string; readonly records: number }[];
  /** The first lines that were not imported. */
  readonly lines: readonly LineReport[];
  /** Bytes of the values written. */
  readonly bytes: number;
  readonly seconds: number;
  readonly recordsPerSecond: number;
  /** From call to answer, retries included; of records that were written. */
  readonly latencyMs: { readonly p50: number; readonly p99: number; readonly max: number };
  /** Set if the import ended before the end of the file. */
  readonly stopped?: string;
}

/** Counts what becomes of each line. */
export class ImportTally {
  #written = 0;
  #failed = 0;
  #unknown = 0;
  #malformed = 0;
  #withSiblings = 0;
  #bytes = 0;
  #onlyUnavailable = true;
  #isUnreadable = false;
  readonly #errorsByCode = new Map<string, number>();
  readonly #lines: LineReport[] = [];
  readonly #latencyUs: RecordableHistogram = createHistogram();

  get written(): number {
    return this.#written;
  }

  get notWritten(): number {
    return this.#failed + this.#unknown + this.#malformed;
  }

  countWritten(write: {
    readonly bytes: number;
    readonly latencyMs: number;
    readonly siblings: number;
  }): void {
    this.#written += 1;
    this.#bytes += write.bytes;
    if (write.siblings > 1) this.#withSiblings += 1;
    this.#latencyUs.record(Math.max(1, Math.round(write.latencyMs * 1000)));
  }

  countFailed(report: LineReport, outcome: string): void {
    if (outcome === 'unknown') this.#unknown += 1;
    else this.#failed += 1;
    if (!isUnavailable(report.code)) this.#onlyUnavailable = false;
    this.#errorsByCode.set(report.code, (this.#errorsByCode.get(report.code) ?? 0) + 1);
    this.#list(report);
  }

  countMalformed(line: number, reason: string): void {
    this.#malformed += 1;
    this.#list({ line, code: 'malformed', message: reason });
  }

  /** The file could not be read to its end. */
  countUnreadable(): void {
    this.#isUnreadable = true;
  }

  /** `stopped` says why the import ended early, if it did. */
  summary(seconds: number, stopped?: string): ImportSummary {
    const latency = this.#latencyUs;
    const milliseconds = (microseconds: number) => (this.#written === 0 ? 0 : microseconds / 1000);
    return {
      records: this.#written + this.#failed + this.#unknown,
      written: this.#written,
      failed: this.#failed,
      unknown: this.#unknown,
      malformed: this.#malformed,
      withSiblings: this.#withSiblings,
      errorsByCode: [...this.#errorsByCode].map(([code, records]) => ({ code, records })),
      lines: this.#lines.toSorted((a, b) => a.line - b.line),
      bytes: this.#bytes,
      seconds,
      recordsPerSecond: seconds > 0 ? Math.round(this.#written / seconds) : 0,
      latencyMs: {
        p50: milliseconds(latency.percentile(50)),
        p99: milliseconds(latency.percentile(99)),
        max: milliseconds(latency.max),
      },
      ...(stopped === undefined ? {} : { stopped }),
    };
  }

  /** Unknown outcomes weigh most, then unavailability, then everything that another run would not mend. */
  exitCode(): ExitCode {
    if (this.#unknown > 0) return EXIT.outcomeUnknown;
    if (this.#failed > 0 && this.#onlyUnavailable && !this.#isUnreadable) return EXIT.quorumUnavailable;
    return this.#isUnreadable || this.#failed + this.#malformed > 0 ? EXIT.failed : EXIT.ok;
  }

  #list(report: LineReport): void {
    if (this.#lines.length < MAX_LISTED_LINES) this.#lines.push(report);
  }
}
