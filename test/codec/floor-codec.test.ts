/** Ballot floors on the disk. */
import { describe, expect, it } from 'vitest';
import { decodeFloor, encodeFloor } from '../../src/codec/floor-codec.ts';
import { floorKey, partitionOfFloorKey, recordKey } from '../../src/codec/key-layout.ts';
import { FormatError } from '../../src/codec/packer.ts';
import type { Incarnation, NodeId, Partition } from '../../src/core/ids.ts';
import { ballotOf } from '../../src/core/paxos/ballot.ts';

const PARTITION = 513 as Partition;
const FLOOR = ballotOf({
  timeMs: 1_700_000_000_000,
  logical: 7,
  node: 'n1' as NodeId,
  incarnation: 'AAECAwQFBgcICQoLDA0ODw' as Incarnation,
});

describe('a ballot floor', () => {
  it('is read as it was written, of its own partition alone', () => {
    const bytes = encodeFloor(PARTITION, FLOOR);
    expect(decodeFloor(PARTITION, bytes)).toBe(FLOOR);
    expect(() => decodeFloor(512 as Partition, bytes)).toThrow(FormatError);
  });

  it('is not taken for another one, whichever byte is damaged, and however much is missing', () => {
    const bytes = encodeFloor(PARTITION, FLOOR);
    for (let place = 0; place < bytes.length; place += 1) {
      const damaged = Uint8Array.from(bytes);
      damaged[place] = (damaged[place] as number) ^ 1;
      expect(() => decodeFloor(PARTITION, damaged)).toThrow(FormatError);
      expect(() => decodeFloor(PARTITION, bytes.subarray(0, place))).toThrow(FormatError);
    }
  });

  it('lies under a key that names its partition', () => {
    for (const partition of [0, 255, 256, 65_535] as Partition[])
      expect(partitionOfFloorKey(floorKey(partition))).toBe(partition);
    expect(partitionOfFloorKey(recordKey(PARTITION, { bucket: '', key: '' }))).toBeUndefined();
  });
});
