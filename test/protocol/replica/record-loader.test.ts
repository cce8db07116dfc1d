/** What is said of a record that cannot be read. */
import { describe, expect, it } from 'vitest';
import type { EntryName } from '../../../src/core/ids.ts';
import type { TraceEvent } from '../../../src/ports/tracer.ts';
import { RecordLoader } from '../../../src/protocol/replica/record-loader.ts';
import type { RecordStore } from '../../../src/protocol/replica/record-store.ts';
import type { StandIn } from '../../../src/protocol/replica/stand-in.ts';

const ENTRY: EntryName = { bucket: 'bucket', key: 'key' };

async function loadWith(records: Partial<RecordStore>): Promise<{ loaded: unknown; traces: TraceEvent[] }> {
  const traces: TraceEvent[] = [];
  const loader = new RecordLoader({
    records: { isClosed: false, ...records } as RecordStore,
    standIn: {} as StandIn,
    tracer: { trace: (event) => traces.push(event) },
  });
  return { loaded: await loader.encoded(ENTRY), traces };
}

function failing(message: string): () => never {
  return () => {
    throw new Error(message);
  };
}

describe('a record that cannot be read', () => {
  it('is told of, and is not taken for damaged', async () => {
    const { loaded, traces } = await loadWith({ get: failing('input/output error') });
    expect(loaded).toEqual({ type: 'unreadable', reason: 'input/output error', isDamaged: false });
    expect(traces).toEqual([{ type: 'unreadable-record', ...ENTRY, reason: 'input/output error' }]);
  });

  it('is told of as damaged where something else lies', async () => {
    const { loaded, traces } = await loadWith({ get: () => Uint8Array.of(1, 2, 3) });
    expect(loaded).toMatchObject({ type: 'unreadable', isDamaged: true });
    expect(traces).toHaveLength(1);
  });

  it('because its node ends is no news', async () => {
    const { loaded, traces } = await loadWith({ get: failing('The store is closed'), isClosed: true });
    expect(loaded).toMatchObject({ type: 'unreadable', isDamaged: false });
    expect(traces).toEqual([]);
  });
});
