/**
 * Why a node did not start, where that is no bug: one class for what storage, protocol and sockets refuse, so that the
 * command line need not know them.
 */
import { StorageOpenError } from '../adapters/level-storage.ts';
import { ListenError } from '../adapters/tcp-network.ts';
import { StartRefused } from '../protocol/storage-node.ts';

/**
 * The message says what is wrong and what to do.
 * `configuration`: starting again fails again until somebody changes the configuration or the data directory.
 * `address`: an address could not be listened on, which may pass by itself.
 */
export class StartFailure extends Error {
  override readonly name = 'StartFailure';
  readonly kind: 'configuration' | 'address';
  /** Stable and machine-readable. */
  readonly code: string;

  constructor(kind: StartFailure['kind'], code: string, message: string, cause?: unknown) {
    super(message, { cause });
    this.kind = kind;
    this.code = code;
  }
}

/** The failure that an error means; any other error is passed on as it is. `directory` is the node's own. */
export function startFailureOf(error: unknown, directory: string): unknown {
  if (error instanceof StorageOpenError) {
    return new StartFailure('configuration', `data-directory-${error.code}`, error.message, error);
  }
  if (error instanceof StartRefused) {
    const message = `${error.message} (The data directory is ${directory}.)`;
    return new StartFailure('configuration', error.code, message, error);
  }
  if (error instanceof ListenError) {
    return new StartFailure('address', 'address-unavailable', error.message, error);
  }
  return error;
}
