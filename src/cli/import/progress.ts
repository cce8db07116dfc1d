/** Shows how far an import is: a bar on a terminal, a line every few seconds elsewhere. Always on stderr. */
import { SingleBar } from 'cli-progress';
import type { Terminal } from '../terminal.ts';

/** Milliseconds between two lines where there is no terminal. */
const LINE_INTERVAL_MS = 5_000;

/** What a display shows. */
export interface ProgressState {
  /** Bytes of the file whose lines have been taken up. */
  readonly bytes: number;
  readonly written: number;
  /** Lines that failed or are malformed. */
  readonly notWritten: number;
}

/** A running display. */
export interface Progress {
  stop(): void;
}

/** What a display starts from. */
export interface ProgressOptions {
  readonly terminal: Terminal;
  /** Bytes of the file; undefined if that is not known (stdin). */
  readonly totalBytes: number | undefined;
  /** Called whenever the display needs new figures. */
  readonly read: () => ProgressState;
}

/** Starts the display that fits stderr. Stop it before anything else is printed. */
export function startProgress(options: ProgressOptions): Progress {
  return options.terminal.stderr.isTTY === true && options.totalBytes !== undefined
    ? startBar(options.terminal, options.totalBytes, options.read)
    : startLines(options);
}

function startBar(terminal: Terminal, totalBytes: number, read: () => ProgressState): Progress {
  const bar = new SingleBar({
    stream: terminal.stderr,
    format:
      '{bar} {percentage}% | {written} written | {notWritten} not | {rate}/s | {duration_formatted}, {eta_formatted} left',
    barCompleteChar: '=',
    barIncompleteChar: '-',
    barsize: 24,
    hideCursor: true,
    etaBuffer: 50,
  });
  const startMs = performance.now();
  const payload = () => {
    const { bytes, written, notWritten } = read();
    const seconds = (performance.now() - startMs) / 1000;
    return { bytes, shown: { written, notWritten, rate: seconds > 0 ? Math.round(written / seconds) : 0 } };
  };
  bar.start(Math.max(1, totalBytes), 0, payload().shown);
  const refresh = () => {
    const { bytes, shown } = payload();
    bar.update(Math.min(bytes, totalBytes), shown);
  };
  const timer = setInterval(refresh, 200);
  return {
    stop: () => {
      clearInterval(timer);
      refresh();
      bar.stop();
    },
  };
}

function startLines(options: ProgressOptions): Progress {
  const startMs = performance.now();
  const timer = setInterval(() => {
    const { bytes, written, notWritten } = options.read();
    const seconds = (performance.now() - startMs) / 1000;
    const share =
      options.totalBytes === undefined
        ? ''
        : ` (${Math.floor((100 * bytes) / Math.max(1, options.totalBytes))} %)`;
    options.terminal.stderr.write(
      `${written} written, ${notWritten} not, ${Math.round(written / seconds)}/s${share}\n`,
    );
  }, LINE_INTERVAL_MS);
  timer.unref();
  return { stop: () => clearInterval(timer) };
}
