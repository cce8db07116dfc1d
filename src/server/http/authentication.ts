/** Optional bearer tokens (RFC 6750). Without configured tokens everybody may do everything. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { TokenSetting } from '../node-settings.ts';
import { Problem } from './problem.ts';

export type Access = TokenSetting['access'];

const CHALLENGE = { 'WWW-Authenticate': 'Bearer realm="quorate"' };
const BEARER = /^Bearer +([A-Za-z0-9._~+/-]+=*) *$/i;

export class Authentication {
  readonly #tokens: readonly { readonly digest: Buffer; readonly access: Access }[];

  constructor(tokens: readonly TokenSetting[]) {
    this.#tokens = tokens.map(({ token, access }) => ({ digest: digestOf(token), access }));
  }

  /** Throws `unauthenticated` or `forbidden` unless the request may do what `needed` says. */
  check(headers: IncomingHttpHeaders, needed: Access): void {
    if (this.#tokens.length === 0) return;
    const granted = this.#granted(headers.authorization);
    if (granted === undefined) {
      const detail =
        headers.authorization === undefined
          ? 'This cluster asks for a token.'
          : 'The token is not known to this node.';
      throw new Problem('unauthenticated', detail, { headers: CHALLENGE });
    }
    if (needed === 'write' && granted === 'read') {
      throw new Problem('forbidden', 'This token may read, but not write.');
    }
  }

  /** Digests have one length, and all are compared: the time taken says nothing about a token. */
  #granted(authorization: string | undefined): Access | undefined {
    const token = authorization === undefined ? undefined : BEARER.exec(authorization)?.[1];
    if (token === undefined) return undefined;
    const digest = digestOf(token);
    let granted: Access | undefined;
    for (const known of this.#tokens) if (timingSafeEqual(known.digest, digest)) granted = known.access;
    return granted;
  }
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
