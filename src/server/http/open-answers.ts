/**
 * Answers that have not wholly left this process. Node takes a connection for idle as soon as its answer has been written
 * to it, though a slow reader may not have got the bytes yet: who closes idle connections then cuts the answer off.
 */
import type { Server, ServerResponse } from 'node:http';

export class OpenAnswers {
  #open = 0;
  readonly #onSent: (() => void)[] = [];

  /** Counts from now on. */
  constructor(http: Server) {
    http.on('request', (_request, answer: ServerResponse) => this.#began(answer));
    http.on('checkContinue', (_request, answer: ServerResponse) => this.#began(answer));
  }

  /** Resolves when no answer is on its way, or after so many milliseconds. */
  async sent(maxMs: number): Promise<void> {
    if (this.#open === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, maxMs);
      this.#onSent.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  #began(answer: ServerResponse): void {
    if (answer.socket === null) {
      // It is behind another one, which is counted. If the connection closes first, nothing tells of its end.
      answer.once('socket', () => this.#began(answer));
      return;
    }
    this.#open += 1;
    // Comes after the last byte was handed to the operating system, or with the end of the connection.
    answer.once('close', () => {
      this.#open -= 1;
      if (this.#open > 0 || this.#onSent.length === 0) return;
      for (const resolve of this.#onSent.splice(0)) resolve();
    });
  }
}
