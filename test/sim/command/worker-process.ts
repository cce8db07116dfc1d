/** A worker seen from the process that started it. A task that takes too long costs the worker its life. */
import { type ChildProcess, fork } from 'node:child_process';
import type { AnswerOf, Task, WorkerMessage } from './task.ts';

/** What came of a task. */
export type TaskEnd<Answer> =
  | { readonly type: 'answer'; readonly answer: Answer }
  /** Nothing was heard of it for as long as it may take. */
  | { readonly type: 'late' }
  /** The process ended before it answered. */
  | { readonly type: 'ended'; readonly reason: string };

const KEPT_ERROR_CHARACTERS = 4_000;

const WORKER = new URL('./worker.ts', import.meta.url);

export class WorkerProcess {
  readonly #program: URL;
  #child: ChildProcess | undefined;
  #errors = '';

  /** `program`: what runs in it; another one than the worker only where this class itself is tested. */
  constructor(program = WORKER) {
    this.#program = program;
  }

  /** Answers `late` if nothing is heard for `limitMs` of wall clock. One task at a time. */
  run<Kind extends Task['type']>(
    task: Extract<Task, { type: Kind }>,
    limitMs: number,
    onAlive: (says: string) => void = () => {},
  ): Promise<TaskEnd<AnswerOf[Kind]>> {
    const child = (this.#child ??= this.#start());
    return new Promise((resolve) => {
      const end = (ended: TaskEnd<AnswerOf[Kind]>): void => {
        clearTimeout(timer);
        child.removeListener('message', onMessage);
        child.removeListener('exit', onExit);
        if (ended.type !== 'answer') this.stop();
        resolve(ended);
      };
      const onMessage = (message: WorkerMessage): void => {
        if (message.type === 'answer') {
          end({ type: 'answer', answer: message.answer as AnswerOf[Kind] });
        } else {
          timer.refresh();
          onAlive(message.says);
        }
      };
      const onExit = (code: number | null, signal: string | null): void => {
        end({ type: 'ended', reason: `the process ended with ${signal ?? code}\n${this.#errors}`.trim() });
      };
      const timer = setTimeout(() => end({ type: 'late' }), limitMs);
      child.on('message', onMessage);
      child.on('exit', onExit);
      child.send(task);
    });
  }

  /** Ends the process, even one that is busy for ever. The next task starts another. */
  stop(): void {
    this.#child?.kill('SIGKILL');
    this.#child = undefined;
  }

  #start(): ChildProcess {
    this.#errors = '';
    // The loader that lets Node.js run this file is handed on in its arguments.
    const child = fork(this.#program, {
      stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#errors = `${this.#errors}${text}`.slice(-KEPT_ERROR_CHARACTERS);
    });
    // A task that was sent to a process which has just ended: its exit tells what happened.
    child.on('error', () => {});
    return child;
  }
}
