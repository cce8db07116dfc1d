/**
 * Messages on a connection: cut into frames on the way out, put together and decoded on the way in. What cannot be decoded
 * closes the connection and is told to the tracer: there is no way to know where the next message would begin.
 */
import { framesOf, MessageAssembler } from '../../codec/chunk.ts';
import { decodeMessage, encodeMessage, type PeerMessage } from '../../codec/message-codec.ts';
import { FormatError } from '../../codec/packer.ts';
import type { Connection } from '../../ports/network.ts';
import type { Tracer } from '../../ports/tracer.ts';

export class MessageChannel {
  readonly connection: Connection;
  readonly #tracer: Tracer;
  readonly #assembler = new MessageAssembler();

  constructor(connection: Connection, tracer: Tracer) {
    this.connection = connection;
    this.#tracer = tracer;
  }

  send(message: PeerMessage): void {
    this.sendEncoded(encodeMessage(message));
  }

  sendEncoded(message: Uint8Array): void {
    for (const frame of framesOf(message)) this.connection.send(frame);
  }

  /** The message that this frame completes, if it does. */
  receive(frame: Uint8Array): PeerMessage | undefined {
    try {
      const bytes = this.#assembler.accept(frame);
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
    this.connection.close(`malformed: ${reason}`);
  }
}
