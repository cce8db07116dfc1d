import { describe, expect, it } from 'vitest';
import { type Handshake, isProof, proveSecret } from '../../src/codec/hello-proof.ts';
import { HELLO_SAMPLE } from './format-samples.ts';

const HANDSHAKE: Handshake = {
  dialer: HELLO_SAMPLE,
  listener: { ...HELLO_SAMPLE, nodeId: 'n2', nonce: new Uint8Array(16).fill(9) },
};

describe('the proof of the shared secret', () => {
  const proof = proveSecret('secret', 'dialer', HANDSHAKE);

  it('is taken from who knows the secret', () => {
    expect(isProof(proof, proveSecret('secret', 'dialer', HANDSHAKE))).toBe(true);
  });

  it.each<readonly [string, Uint8Array]>([
    ['another secret', proveSecret('other', 'dialer', HANDSHAKE)],
    ['no secret', proveSecret('', 'dialer', HANDSHAKE)],
    ['the other role: it can not be sent back', proveSecret('secret', 'listener', HANDSHAKE)],
    [
      'another nonce: it can not be used again',
      proveSecret('secret', 'dialer', {
        ...HANDSHAKE,
        listener: { ...HANDSHAKE.listener, nonce: new Uint8Array(16) },
      }),
    ],
    [
      'another listener',
      proveSecret('secret', 'dialer', { ...HANDSHAKE, listener: { ...HANDSHAKE.listener, nodeId: 'n3' } }),
    ],
    [
      'the two sides exchanged',
      proveSecret('secret', 'dialer', { dialer: HANDSHAKE.listener, listener: HANDSHAKE.dialer }),
    ],
    ['a part of it', proof.subarray(0, 16)],
    ['nothing', new Uint8Array(0)],
  ])('is not taken for %s', (_, given) => {
    expect(isProof(given, proof)).toBe(false);
  });
});
