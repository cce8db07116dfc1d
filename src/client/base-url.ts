/** The base URL without a slash at its end; undefined if it is none that requests can be sent to. */
export function baseUrlOf(address: string): string | undefined {
  const text = address.includes('://') ? address : `http://${address}`;
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  const isWeb = url.protocol === 'http:' || url.protocol === 'https:';
  // Credentials belong in `token`; fetch refuses them in a URL.
  if (!isWeb || url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '')
    return undefined;
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
}
