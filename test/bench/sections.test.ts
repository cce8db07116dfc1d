/** Which sections a run fills. */
import { describe, expect, it } from 'vitest';
import { EXPERIMENTS } from '../../bench/experiments/index.ts';
import { chooseExperiments, NAMES, type SectionChoice } from '../../bench/sections.ts';

const CHOICE: SectionChoice = {
  isQuick: true,
  measuring: { repeats: 1, firstWarmUpMs: 1, warmUpMs: 1, measureMs: 1 },
  connections: 1,
  storedKeys: 1,
  fsync: true,
  profileDirectory: undefined,
  only: undefined,
  isMatrix: false,
  peer: undefined,
  manyKeys: 10,
};
const DEFAULT = [...EXPERIMENTS.map(({ id }) => id), 'capacity', 'latency'];
const GROUPS = ['ycsb', 'value-sizes', 'quorums', 'connections', 'cluster-sizes', 'fsync'];
const GREAT_MANY = ['many-keys', 'many-connections'];

describe('the sections of a run', () => {
  it.each<readonly [string, Partial<SectionChoice>, readonly string[]]>([
    ['by default', {}, DEFAULT],
    ['of the matrix', { isMatrix: true }, [...GROUPS, ...GREAT_MANY]],
    ['with a peer', { peer: 'etcd' }, [...DEFAULT, 'peer-etcd']],
    ['that are named', { only: ['fsync', 'latency'] }, ['latency', 'fsync']],
    ['with a great many', { only: ['many-connections', 'many-keys'] }, GREAT_MANY],
    ['of a scenario', { only: ['put-w2', 'create-spread'] }, ['capacity']],
    ['that are named, with a peer', { only: ['get-r1'], peer: 'etcd' }, ['capacity', 'peer-etcd']],
    ['of a peer by its name', { only: ['peer-etcd'] }, ['peer-etcd']],
  ])('%s', (_, choice, expected) => {
    expect(chooseExperiments({ ...CHOICE, ...choice }).map(({ id }) => id)).toEqual(expected);
  });

  it('have names of their own', () => {
    expect(new Set(NAMES).size).toBe(NAMES.length);
  });
});
