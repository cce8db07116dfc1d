/**
 * The bytes of every format, as they were when it was made. If one of these tests fails, stored data, tokens that
 * clients hold, or messages of nodes that were not restarted yet can not be read any more: raise the format's version,
 * keep reading the old one, and add its bytes here beside the old ones.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decodeAcceptorState, encodeAcceptorState } from '../../src/codec/acceptor-codec.ts';
import { framesOf } from '../../src/codec/chunk.ts';
import { decodeContextToken, encodeContextToken } from '../../src/codec/context-token.ts';
import {
  configurationEpoch,
  describePlacement,
  etagOf,
  placementHash,
  requestDigest,
} from '../../src/codec/hash.ts';
import { proveSecret } from '../../src/codec/hello-proof.ts';
import { decodeHint, encodeHint } from '../../src/codec/hint-codec.ts';
import {
  acceptorKey,
  floorKey,
  hintKey,
  metaKey,
  recordKey,
  sequenceKey,
  sequenceOfKey,
  unfinishedKey,
} from '../../src/codec/key-layout.ts';
import { encodeFloor } from '../../src/codec/floor-codec.ts';
import { decodeMessage, encodeMessage } from '../../src/codec/message-codec.ts';
import { decodeRecord, encodeRecord } from '../../src/codec/record-codec.ts';
import {
  decodeOpenings,
  decodeRecoveryState,
  decodeSequence,
  decodeStoreMark,
  encodeOpenings,
  encodeRecoveryState,
  encodeStoreMark,
} from '../../src/codec/store-meta.ts';
import { decodeStoreIdentity, encodeStoreIdentity } from '../../src/codec/store-identity.ts';
import type { NodeId, Partition } from '../../src/core/ids.ts';
import { MAX_FRAME_BYTES } from '../../src/core/limits.ts';
import { comparable } from './comparable.ts';
import {
  ACCEPTOR_SAMPLES,
  CONFIG_SAMPLE,
  CONTEXT_SAMPLES,
  FLOOR_SAMPLES,
  HELLO_SAMPLE,
  MARK_SAMPLE,
  HINT_SAMPLE,
  MESSAGE_SAMPLES,
  NAME_SAMPLES,
  OPENINGS_SAMPLE,
  RECORD_SAMPLES,
  RECOVERY_SAMPLE,
  SAMPLE_ENTRY,
  STORE_SAMPLE,
} from './format-samples.ts';

type Bytes = Readonly<Record<string, string>>;

const GOLDEN = JSON.parse(
  readFileSync(new URL('./formats.golden.json', import.meta.url), 'utf8'),
) as Readonly<Record<string, Bytes>>;

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function bytesOf(format: string, name: string): Buffer {
  return Buffer.from(GOLDEN[format]?.[name] ?? '', 'hex');
}

function each<Value>(samples: Readonly<Record<string, Value>>, encode: (value: Value) => string): Bytes {
  return Object.fromEntries(Object.entries(samples).map(([name, value]) => [name, encode(value)]));
}

describe('records', () => {
  it('are written as ever', () => {
    expect(each(RECORD_SAMPLES, (record) => hex(encodeRecord(SAMPLE_ENTRY, record)))).toEqual(
      GOLDEN['records'],
    );
  });

  it.each(Object.entries(RECORD_SAMPLES))('are still read: %s', (name, record) => {
    expect(comparable(decodeRecord(SAMPLE_ENTRY, bytesOf('records', name)))).toBe(comparable(record));
  });
});

describe('acceptor states', () => {
  it('are written as ever', () => {
    expect(each(ACCEPTOR_SAMPLES, (state) => hex(encodeAcceptorState(SAMPLE_ENTRY, state)))).toEqual(
      GOLDEN['acceptors'],
    );
  });

  it.each(Object.entries(ACCEPTOR_SAMPLES))('are still read: %s', (name, state) => {
    expect(comparable(decodeAcceptorState(SAMPLE_ENTRY, bytesOf('acceptors', name)))).toBe(comparable(state));
  });

  it('have floors, which are written and lie as ever', () => {
    const floors = Object.entries(FLOOR_SAMPLES).map(([partition, floor]) => [
      hex(floorKey(Number(partition) as Partition)),
      hex(encodeFloor(Number(partition) as Partition, floor)),
    ]);
    expect(Object.fromEntries(floors)).toEqual(GOLDEN['floors']);
  });

  it('lie where they lay', () => {
    const keys = NAME_SAMPLES.flatMap((entry, index) =>
      [acceptorKey, unfinishedKey].map((keyOf) => hex(keyOf((index * 255) as Partition, entry))),
    );
    expect(keys).toEqual(Object.values(GOLDEN['acceptor keys'] ?? {}));
  });
});

describe('context tokens', () => {
  it('are written as ever', () => {
    expect(each(CONTEXT_SAMPLES, (context) => encodeContextToken(SAMPLE_ENTRY, context))).toEqual(
      GOLDEN['tokens'],
    );
  });

  it.each(Object.entries(CONTEXT_SAMPLES))('are still read: %s', (name, context) => {
    const decoded = decodeContextToken(SAMPLE_ENTRY, GOLDEN['tokens']?.[name] ?? '');
    expect(comparable(decoded)).toBe(comparable({ type: 'context', context }));
  });
});

describe('messages between nodes', () => {
  it('are written as ever', () => {
    expect(each(MESSAGE_SAMPLES, (message) => hex(encodeMessage(message)))).toEqual(GOLDEN['messages']);
  });

  it.each(Object.entries(MESSAGE_SAMPLES))('are still read: %s', (name, message) => {
    expect(comparable(decodeMessage(bytesOf('messages', name)))).toBe(comparable(message));
  });

  it('are cut into chunks as ever', () => {
    const frames = framesOf(new Uint8Array(MAX_FRAME_BYTES + 1).fill(9));
    expect(frames.map((frame) => `${hex(frame.subarray(0, 4))}, ${frame.length} bytes`)).toEqual([
      'c1010909, 262144 bytes',
      'c1000909, 5 bytes',
    ]);
  });
});

describe('the store', () => {
  it('says what it is as ever', () => {
    expect(hex(encodeStoreIdentity(STORE_SAMPLE))).toBe(GOLDEN['store']?.['identity']);
    expect(decodeStoreIdentity(bytesOf('store', 'identity'))).toEqual({
      type: 'identity',
      identity: STORE_SAMPLE,
    });
  });

  it('says how far it has come, what it lost and what it knows of others as ever', () => {
    expect({
      // Written by programs before this one.
      sequence: GOLDEN['meta']?.['sequence'],
      recovery: hex(encodeRecoveryState(RECOVERY_SAMPLE)),
      mark: hex(encodeStoreMark(MARK_SAMPLE)),
      openings: hex(encodeOpenings(OPENINGS_SAMPLE)),
    }).toEqual(GOLDEN['meta']);
    expect(decodeSequence(bytesOf('meta', 'sequence'))).toBe(2 ** 40 + 7);
    expect(decodeRecoveryState(bytesOf('meta', 'recovery'))).toEqual(RECOVERY_SAMPLE);
    expect(decodeStoreMark(bytesOf('meta', 'mark'))).toEqual(MARK_SAMPLE);
    expect(decodeOpenings(bytesOf('meta', 'openings'))).toEqual(OPENINGS_SAMPLE);
  });

  it('has its keys where they were', () => {
    const keys = NAME_SAMPLES.map((entry, index) => hex(recordKey((index * 255) as Partition, entry)));
    const meta = [
      metaKey('store'),
      metaKey('sequence'),
      metaKey('recovery'),
      metaKey(`peer:${'n1' as NodeId}`),
      metaKey('openings'),
    ].map(hex);
    expect([...keys, ...meta]).toEqual(Object.values(GOLDEN['keys'] ?? {}));
    expect(hex(sequenceKey(2 ** 40 + 7))).toBe('730000010000000007');
    expect(sequenceOfKey(sequenceKey(2 ** 40 + 7))).toBe(2 ** 40 + 7);
  });

  it('has its hints as they were', () => {
    const keys = NAME_SAMPLES.map((entry, index) =>
      hex(hintKey(`n${index}` as NodeId, (index * 255) as Partition, entry)),
    );
    expect([...keys, hex(encodeHint(HINT_SAMPLE))]).toEqual(Object.values(GOLDEN['hints'] ?? {}));
    expect(decodeHint(bytesOf('hints', 'value'))).toEqual(HINT_SAMPLE);
    const first = Buffer.from('9301cb4278bcfe5687b000cd0159', 'hex');
    expect(decodeHint(first)).toEqual({ ...HINT_SAMPLE, isStray: true });
    expect(decodeHint(encodeHint({ ...HINT_SAMPLE, isStray: false })).isStray).toBe(false);
    expect(() => decodeHint(Uint8Array.from(first, (byte, index) => (index === 1 ? 3 : byte)))).toThrow(
      'hint format version 3',
    );
  });
});

describe('hashes and digests', () => {
  it('are what they were', () => {
    const record = RECORD_SAMPLES['siblings and a cloud'] as (typeof RECORD_SAMPLES)[string];
    const placements = NAME_SAMPLES.map((entry) => placementHash(entry).toString(16).padStart(16, '0'));
    const handshake = { dialer: HELLO_SAMPLE, listener: { ...HELLO_SAMPLE, nodeId: 'n2' } };
    expect({
      placements: placements.join(' '),
      etag: etagOf(record),
      'configuration epoch': configurationEpoch(CONFIG_SAMPLE),
      placement: describePlacement(CONFIG_SAMPLE),
      'put digest': requestDigest({ contentType: 'text/plain', value: Uint8Array.of(104, 105) }),
      'delete digest': requestDigest('delete'),
      'proof of the dialer': hex(proveSecret('secret', 'dialer', handshake)),
      'proof of the listener': hex(proveSecret('secret', 'listener', handshake)),
    }).toEqual(GOLDEN['digests']);
  });
});
