/** Paths of the HTTP API. */
export const PATHS = {
  kv: '/v1/kv',
  inspect: '/v1/inspect',
  outcome: '/v1/outcome',
  ring: '/v1/ring',
  cluster: '/v1/cluster',
  livez: '/livez',
  readyz: '/readyz',
  metrics: '/metrics',
  openapi: '/openapi.json',
} as const;

/** Path of one entry: bucket and key percent-encoded, `/` in the key included. */
export function entryPath(bucket: string, key: string): string {
  return `${PATHS.kv}/${encodeURIComponent(bucket)}/${encodeURIComponent(key)}`;
}

export function inspectPath(bucket: string, key: string): string {
  return `${PATHS.inspect}/${encodeURIComponent(bucket)}/${encodeURIComponent(key)}`;
}

/** Path and query of the question what became of a write. */
export function outcomePath(bucket: string, key: string, writeId: string): string {
  const entry = `${encodeURIComponent(bucket)}/${encodeURIComponent(key)}`;
  return `${PATHS.outcome}/${entry}?writeId=${encodeURIComponent(writeId)}`;
}
