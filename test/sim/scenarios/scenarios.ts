/** All regression scenarios. Every bug that a seed finds becomes one: a seed means nothing any more when the code has changed. */
import { CONDITIONAL_WRITES } from './conditional-writes.ts';
import { COPIED_DISKS } from './copied-disks.ts';
import { DELETED_KEYS } from './deleted-keys.ts';
import { EXCHANGES } from './exchanges.ts';
import { FOUND_HERE } from './found-here.ts';
import { KEPT_PROMISES } from './kept-promises.ts';
import { KNOWN_SEQUENCES } from './known-sequences.ts';
import { LOST_MEMORY } from './lost-memory.ts';
import type { Scenario } from './scenario.ts';

export const SCENARIOS: readonly Scenario[] = [
  ...FOUND_HERE,
  ...LOST_MEMORY,
  ...COPIED_DISKS,
  ...KNOWN_SEQUENCES,
  ...DELETED_KEYS,
  ...EXCHANGES,
  ...CONDITIONAL_WRITES,
  ...KEPT_PROMISES,
];
