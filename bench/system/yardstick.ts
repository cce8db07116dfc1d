/** The yardstick server as the bench sees it. */
import { startProgram } from './program.ts';

/** The running server. */
export interface Yardstick {
  readonly url: string;
  readonly pid: number;
  stop(): Promise<void>;
}

/** Starts it on a free port; resolves when it listens. */
export async function startYardstick(): Promise<Yardstick> {
  const program = startProgram(new URL('./yardstick-server.ts', import.meta.url));
  const port = (await program.nextMessage()) as number;
  return { url: `http://127.0.0.1:${port}`, pid: program.pid, stop: () => program.stop() };
}
