/** Base64 on the web platform's atob and btoa. */

/** The bytes of a base64 text. Throws a DOMException if it is none. */
export function bytesFromBase64(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

/** Base64url without padding, for a few bytes: each is one argument of a call. */
export function base64UrlFromBytes(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
}
