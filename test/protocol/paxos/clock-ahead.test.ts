/** Keys that remember writes of a clock that is ahead of those of their coordinators. */
import { afterEach, describe, expect, it } from 'vitest';
import { etagOf } from '../../../src/codec/hash.ts';
import type { KeyRecord } from '../../../src/core/causality/record.ts';
import { MAX_WRITE_IDS } from '../../../src/core/limits.ts';
import { assertRead, assertTexts, assertWritten, casOf, getOf, linearizableOf, putOf } from '../requests.ts';
import { Stage } from '../stage.ts';

const HOUR_MS = 3_600_000;

let stage: Stage;

afterEach(() => {
  expect(stage.bugs).toEqual([]);
});

describe('a key that remembers nothing but plain writes of a clock that is an hour ahead', () => {
  it('is written conditionally, by each of its home replicas, and remembers that', async () => {
    stage = await new Stage(4).startAll();
    const entry = stage.entryAt('n1', 'n2', 'n3');
    stage.machine('n3').clockFaults.wallOffsetMs = HOUR_MS;
    for (let count = 1; count <= MAX_WRITE_IDS; count += 1) {
      const before = assertRead(await stage.run(stage.node('n3').get(getOf(entry, { r: 3 }))));
      const identity = { id: `plain ${count}`, firstAttempt: true };
      const request = putOf(entry, `plain ${count}`, { w: 3, identity, context: before.record?.context });
      assertWritten(await stage.run(stage.node('n3').put(request)));
    }
    const { record } = assertRead(await stage.run(stage.node('n1').conditional(linearizableOf(entry))));
    let etag = etagOf(record as KeyRecord);
    for (const node of ['n1', 'n2', 'n3', 'n4']) {
      const request = casOf(entry, `by ${node}`, { ifMatch: etag, id: `by ${node}` });
      etag = assertWritten(await stage.run(stage.node(node).conditional(request))).etag as string;
    }
    const read = await stage.run(stage.node('n2').conditional(linearizableOf(entry)));
    assertTexts(read, ['by n4']);
    await stage.world.runFor(1_000);
    const remembered = stage.recordOn('n2', entry)?.writes.map(({ id }) => id) ?? [];
    expect(remembered.slice(-4)).toEqual(['by n4', 'by n3', 'by n2', 'by n1']);
    expect(remembered).toHaveLength(MAX_WRITE_IDS + 4);
  });
});
