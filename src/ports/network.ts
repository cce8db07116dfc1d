import type { NodeId } from '../core/ids.ts';

/**
 * Frames between nodes over ordered connections. A connection may break at any moment; what was sent and not answered
 * may or may not have arrived. What the frames mean, retries, handshakes and time limits are the protocol's work.
 */
export interface Connection {
  /** For people: an address or a node's name. */
  readonly remote: string;
  /** Bytes accepted by `send` that have not left this process yet. */
  readonly queuedBytes: number;
  /**
   * Sends one frame (at most MAX_FRAME_BYTES). Frames sent in one turn of the event loop leave together. After a
   * close it does nothing. The caller must not change the bytes afterwards.
   */
  send(frame: Uint8Array): void;
  /** Closes now; frames still queued may be lost. Idempotent. `onClose` is still called, once. */
  close(reason: string): void;
  /**
   * Closes, and sees to it that nothing that was sent and has not arrived still does, as far as that is in the hands of this
   * machine. Else as `close`.
   */
  reset(reason: string): void;
}

export interface ConnectionHandlers {
  /** The connection stands. Not called for inbound connections, which stand from the start. */
  onOpen?(): void;
  /** One whole frame, in the order sent. The bytes may alias a larger buffer: copy what is kept. */
  onFrame(frame: Uint8Array): void;
  /** Called exactly once, also if the connection never stood. `malformed`: the peer's bytes were no frames. */
  onClose(reason: string, cause: 'closed' | 'malformed'): void;
}

export interface Network {
  /** Accepts connections from peers. Rejects if the address cannot be listened on. */
  listen(accept: (connection: Connection) => ConnectionHandlers): Promise<void>;
  /** Starts to connect to a member; returns at once. */
  connect(peer: NodeId, handlers: ConnectionHandlers): Connection;
  /** Stops listening and closes every connection. Idempotent. */
  close(): Promise<void>;
}
