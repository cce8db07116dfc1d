/** Header names and media types of the HTTP API, as they are shown; HTTP compares them without case. */
export const HEADERS = {
  n: 'Quorate-N',
  r: 'Quorate-R',
  w: 'Quorate-W',
  consistency: 'Quorate-Consistency',
  context: 'Quorate-Context',
  sloppy: 'Quorate-Sloppy',
  timeoutMs: 'Quorate-Timeout-Ms',
  writeId: 'Quorate-Write-Id',
  attempt: 'Quorate-Attempt',
  siblings: 'Quorate-Siblings',
  quorum: 'Quorate-Quorum',
  coordinator: 'Quorate-Coordinator',
  requestId: 'Quorate-Request-Id',
} as const;

export const ENTRY_MEDIA_TYPE = 'application/vnd.quorate.entry+json';
export const PROBLEM_MEDIA_TYPE = 'application/problem+json';
/** Content type of a value that was put without one. */
export const DEFAULT_CONTENT_TYPE = 'application/octet-stream';

export const CONSISTENCY_PRESETS = ['one', 'quorum', 'all', 'session', 'linearizable'] as const;
export type ConsistencyPreset = (typeof CONSISTENCY_PRESETS)[number];
