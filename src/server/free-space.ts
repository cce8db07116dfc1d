/**
 * Watches the free space below the data directory, so that client writes can be refused before the disk is full: a write
 * that fails half-way stops the node. Looked at by a timer, not per request.
 */
import type { Storage } from '../ports/storage.ts';
import { Problem } from './http/problem.ts';

interface FreeSpaceOptions {
  readonly storage: Pick<Storage, 'freeSpaceBytes'>;
  /** Bytes; 0 turns the check off. */
  readonly reserveBytes: number;
  readonly intervalMs: number;
  /** Told of each measurement, bytes. */
  readonly onMeasured: (freeBytes: number) => void;
  /** Told when writes begin or cease to be refused. */
  readonly onChange: (isLow: boolean, freeBytes: number) => void;
}

export class FreeSpace {
  readonly #options: FreeSpaceOptions;
  #timer: NodeJS.Timeout | undefined;
  #freeBytes = Number.POSITIVE_INFINITY;

  constructor(options: FreeSpaceOptions) {
    this.#options = options;
  }

  get isLow(): boolean {
    return this.#freeBytes < this.#options.reserveBytes;
  }

  /** Measures once, then at every interval until `stop`. */
  async start(): Promise<void> {
    if (this.#options.reserveBytes === 0) return;
    await this.measure();
    this.#timer = setInterval(() => void this.measure(), this.#options.intervalMs);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** A measurement that fails leaves the last one standing: a broken store is noticed by its writes. */
  async measure(): Promise<void> {
    const wasLow = this.isLow;
    try {
      this.#freeBytes = await this.#options.storage.freeSpaceBytes();
    } catch {
      return;
    }
    this.#options.onMeasured(this.#freeBytes);
    if (this.isLow !== wasLow) this.#options.onChange(this.isLow, this.#freeBytes);
  }

  /** Throws `no-space` while too little is free. */
  refuseIfLow(): void {
    if (!this.isLow) return;
    const { reserveBytes } = this.#options;
    throw new Problem(
      'no-space',
      `${this.#freeBytes} bytes are free on the disk of this node, less than its reserve of ${reserveBytes}.`,
      {
        facts: { freeBytes: this.#freeBytes, reserveBytes },
      },
    );
  }
}
