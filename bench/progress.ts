/** Shows how far the bench is: a bar over its sections on a terminal, plain lines elsewhere. On stderr. */
import { SingleBar } from 'cli-progress';

/** A running display. */
export interface Progress {
  /** A section begins. */
  begin(title: string): void;
  /** What happens in it. */
  readonly line: (text: string) => void;
  stop(): void;
}

/** Starts the display that fits the stream. */
export function startProgress(stream: NodeJS.WriteStream, sectionCount: number): Progress {
  return stream.isTTY ? startBar(stream, sectionCount) : linesTo(stream, sectionCount);
}

function startBar(stream: NodeJS.WriteStream, sectionCount: number): Progress {
  const bar = new SingleBar({
    stream,
    format: '{bar} {value}/{total} | {duration_formatted} | {title} | {text}',
    barCompleteChar: '=',
    barIncompleteChar: '-',
    barsize: 16,
    hideCursor: true,
    // The clock runs on while nothing is said.
    noTTYOutput: false,
    etaAsynchronousUpdate: false,
  });
  let begun = 0;
  let shown = { title: '', text: '' };
  bar.start(sectionCount, 0, shown);
  const timer = setInterval(() => bar.update(shown), 500);
  return {
    begin: (title) => {
      shown = { title, text: '' };
      bar.update(begun, shown);
      begun += 1;
    },
    line: (text) => {
      shown = { ...shown, text: text.replaceAll(/\s+/g, ' ').trim() };
      bar.update(shown);
    },
    stop: () => {
      clearInterval(timer);
      bar.update(begun, { title: '', text: '' });
      bar.stop();
    },
  };
}

function linesTo(stream: NodeJS.WriteStream, sectionCount: number): Progress {
  const startMs = performance.now();
  let begun = 0;
  return {
    begin: (title) => {
      begun += 1;
      const seconds = Math.round((performance.now() - startMs) / 1000);
      stream.write(`${begun}/${sectionCount} ${title} (after ${seconds} s)\n`);
    },
    line: (text) => {
      stream.write(`  ${text}\n`);
    },
    stop: () => {},
  };
}
