/**
 * Messages on a connection: cut into frames on the way out, put together and decoded on the way in. What cannot be decoded
 * closes the connection and is told to the tracer: there is no way to know where the next message would begin.
 */
import { framesOf, MessageAssembler } from '../../codec/chunk.ts';
import { decodeMessage, encodeMessage, type PeerMessage } from '../../codec/message-codec.ts';
import { FormatError } from '../../codec/packer.ts';
import { MAX_NOTICE_QUEUE_BYTES } from '../../core/limits.ts';
import type { Connection } from '../../ports/network.ts';
import type { Tracer } from '../../ports/tracer.ts';

/** Bytes of a frame from somebody who has not proved yet who it is; chunks would be put together in memory. */
const MAX_HANDSHAKE_BYTES = 8 * 1024;

export class MessageChannel {
  readonly connection: Connection;
  readonly #tracer: Tracer;
  readonly #close: (reason: string) => void;
  readonly #assembler = new MessageAssembler();
  #isTrusted = false;

  /** `close` is called for bytes that no peer of ours sends, and has to close the connection. */
  constructor(connection: Connection, tracer: Tracer, close: (reason: string) => void) {
    this.connection = connection;
    this.#tracer = tracer;
    this.#close = close;
  }

  /** The peer has proved who it is: its messages may be long from now on. */
  trust(): void {
    this.#isTrusted = true;
  }

  /** Whether the other side takes slowly what it is sent. */
  get isSlow(): boolean {
    return this.connection.queuedBytes > MAX_NOTICE_QUEUE_BYTES;
  }

  send(message: PeerMessage): void {
    this.sendEncoded(encodeMessage(message));
  }

  sendEncoded(message: Uint8Array): void {
    for (const frame of framesOf(message)) this.connection.send(frame);
  }

  /** The message that this frame completes, if it does. */
  receive(frame: Uint8Array): PeerMessage | undefined {
    if (!this.#isTrusted && frame.length > MAX_HANDSHAKE_BYTES) {
      this.reject(`${frame.length} bytes before the handshake is over`);
      return undefined;
    }
    try {
      const bytes = this.#isTrusted ? this.#assembler.accept(frame) : frame;
      return bytes === undefined ? undefined : decodeMessage(bytes);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      this.reject(error.message);
      return undefined;
    }
  }

  /** Closes because of what the peer sent. */
  reject(reason: string): void {
    this.#tracer.trace({ type: 'malformed-frame', remote: this.connection.remote, reason });
    this.#close(`malformed: ${reason}`);
  }
}
