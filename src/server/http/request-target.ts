/**
 * Whether a request says, in a form that can be used, what it is for (RFC 9112 3.2): a target that is a path or an absolute URL,
 * and a Host. They are not taken apart here; handlers read the raw target (see entry-name.ts).
 */
import type { IncomingMessage } from 'node:http';

/** What most hosts are; all others are parsed. */
const PLAIN_HOST = /^[a-z0-9._-]+(?::\d{1,4})?$/;
const ABSOLUTE = /^https?:\/\//;

export function isUsable({ url = '', headers, httpVersionMinor }: IncomingMessage): boolean {
  const { host } = headers;
  // A request of HTTP/1.1 without Host has to be refused; health checks by HTTP/1.0 send none.
  if (host === undefined && httpVersionMinor > 0) return false;
  if (hasBackslashInPath(url)) return false;
  if (ABSOLUTE.test(url)) return URL.canParse(url);
  return url.startsWith('/') && (host === undefined || host === '' || isHost(host));
}

/** A URL parser would take it for a slash, and so may whoever stands before this node. */
function hasBackslashInPath(url: string): boolean {
  const backslash = url.indexOf('\\');
  if (backslash === -1) return false;
  const query = url.indexOf('?');
  return query === -1 || backslash < query;
}

function isHost(host: string): boolean {
  if (PLAIN_HOST.test(host)) return true;
  const base = `http://${host}`;
  if (!URL.canParse(base)) return false;
  // Whatever makes another host than was written (a user name, a path) is none.
  return new URL(base).hostname === host.replace(/:\d+$/, '').toLowerCase();
}
