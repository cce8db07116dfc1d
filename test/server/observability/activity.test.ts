/** What the status of a node says that it has done follows from what the protocol tells. */
import { expect, it } from 'vitest';
import type { NodeId } from '../../../src/core/ids.ts';
import type { TraceEvent } from '../../../src/ports/tracer.ts';
import { Activity } from '../../../src/server/observability/activity.ts';

const peer = 'n2' as NodeId;
const exchanged = (repaired: number): TraceEvent => ({
  type: 'exchange',
  peer,
  result: 'done',
  reason: undefined,
  differing: 1,
  repaired,
  ms: 1,
});

it('counts records that were repaired, and writes that left several siblings', () => {
  const activity = new Activity();
  const events: readonly TraceEvent[] = [
    exchanged(0),
    exchanged(3),
    { type: 'read-repair', target: peer, result: 'stored' },
    { type: 'read-repair', target: peer, result: 'failed' },
    { type: 'siblings', bucket: 'b', count: 1 },
    { type: 'siblings', bucket: 'b', count: 2 },
    { type: 'siblings', bucket: 'b', count: 5 },
  ];
  for (const event of events) activity.note(event);
  expect(activity).toMatchObject({ repairs: 4, conflicts: 2 });
});
