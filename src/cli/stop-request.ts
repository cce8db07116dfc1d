/**
 * When `serve` has to stop: at a signal, or when the process that started it has gone. The first request asks for a drain;
 * a second one, from somebody who will not wait, ends the process at once. What was acknowledged is on disk either way.
 */
import type { CommandContext } from './command-context.ts';
import { EXIT } from './exit-codes.ts';

/** Waits for the first request. */
export interface StopRequest {
  /** Resolves at the first request. */
  readonly requested: Promise<void>;
  /** Goes back to what the process did with signals before. */
  ignore(): void;
}

/**
 * Listens from now on. The parent has gone when the IPC channel to it is closed, which happens however it ends, kill -9
 * included; a process without a channel has nobody to miss.
 */
export function listenForStop(
  context: Pick<CommandContext, 'onStopSignal'>,
  withParent: boolean,
): StopRequest {
  let request = (): void => {};
  const requested = new Promise<void>((resolve) => {
    request = resolve;
  });
  let signals = 0;
  const ignoreSignals = context.onStopSignal(() => {
    signals += 1;
    if (signals > 1) process.exit(EXIT.failed);
    request();
  });
  if (withParent) {
    process.once('disconnect', request);
    // It may have gone before anybody listened.
    if (process.send !== undefined && !process.connected) request();
  }
  return {
    requested,
    ignore: () => {
      ignoreSignals();
      process.off('disconnect', request);
    },
  };
}
