/**
 * Proof that a peer knows the cluster's shared secret, without sending it: HMAC-SHA-256 over both sides' nonces and
 * names and the prover's role, so that it can neither be replayed nor reflected. Without a secret the proof is made
 * with an empty one, and proves nothing.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Hello } from '../core/message.ts';

export interface Handshake {
  readonly dialer: Hello;
  readonly listener: Hello;
}

export function proveSecret(
  secret: string,
  role: keyof Handshake,
  { dialer, listener }: Handshake,
): Uint8Array {
  const hmac = createHmac('sha256', secret).update(role);
  for (const hello of [dialer, listener]) {
    hmac.update(JSON.stringify([hello.cluster, hello.nodeId, hello.incarnation])).update(hello.nonce);
  }
  return hmac.digest();
}

export function isProof(given: Uint8Array, expected: Uint8Array): boolean {
  return given.length === expected.length && timingSafeEqual(given, expected);
}
