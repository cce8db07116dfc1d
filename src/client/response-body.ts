/** Reads a response body of bounded size: whatever answers at a node's address, it must not fill the caller's memory. */
import { responseTooLarge } from './transport-error.ts';

/**
 * The whole body. Rejects with a TransportError if it has more than `maxBytes`, as soon as that is known; what is left of
 * the body is not read then.
 */
export async function boundedBody(response: Response, maxBytes: number): Promise<Uint8Array> {
  const declared = declaredBytes(response.headers);
  if (declared !== undefined && declared > maxBytes) {
    await response.body?.cancel();
    throw responseTooLarge(maxBytes);
  }
  // HTTP itself ends a body at its declared length, and reading it at once costs a fraction of reading it as a stream.
  if (declared !== undefined || response.body === null) return new Uint8Array(await response.arrayBuffer());
  return readStream(response.body, maxBytes);
}

/** The length that the body will have, unless it is unpacked on the way. */
function declaredBytes(headers: Headers): number | undefined {
  const length = headers.get('content-length');
  if (length === null || !/^\d+$/.test(length) || headers.get('content-encoding') !== null) return undefined;
  return Number(length);
}

async function readStream(stream: ReadableStream<Uint8Array>, maxBytes: number): Promise<Uint8Array> {
  const reader = stream.getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return joined(chunks, length);
    length += value.length;
    if (length > maxBytes) {
      await reader.cancel();
      throw responseTooLarge(maxBytes);
    }
    chunks.push(value);
  }
}

function joined(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const body = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    body.set(chunk, offset);
    offset += chunk.length;
  }
  return body;
}
