/**
 * The mixes of YCSB (Cooper et al., Benchmarking Cloud Serving Systems with YCSB, SoCC 2010, section 4), on keys chosen
 * evenly and by Zipf's law.
 */
import { QUORATE, loadingOf, type Scenario } from '../capacity/scenarios.ts';
import type { MixedWorkload } from '../load/traffic.ts';
import { ZIPF_THETA } from '../load/key-choice.ts';
import { BUCKET, CAS_BUCKET } from '../load/workload.ts';
import { whole } from '../report/number-format.ts';
import { rateOf, seriesOf, type Group } from './group.ts';

type Mix = Omit<MixedWorkload, 'type' | 'distribution'>;

/** E scans, which the store does not do. */
const MIXES: readonly { readonly letter: string; readonly title: string; readonly mix: Mix }[] = [
  {
    letter: 'A',
    title: 'A: 50 % reads, 50 % updates',
    mix: { bucket: BUCKET, updates: 0.5, inserts: 0, updateBy: 'context' },
  },
  {
    letter: 'B',
    title: 'B: 95 % reads, 5 % updates',
    mix: { bucket: BUCKET, updates: 0.05, inserts: 0, updateBy: 'context' },
  },
  { letter: 'C', title: 'C: reads', mix: { bucket: BUCKET, updates: 0, inserts: 0, updateBy: 'context' } },
  {
    letter: 'D',
    title: 'D: 95 % reads of the latest, 5 % inserts',
    mix: { bucket: BUCKET, updates: 0, inserts: 0.05, updateBy: 'context' },
  },
  {
    letter: 'F',
    title: 'F: 50 % reads, 50 % read-modify-write',
    mix: { bucket: CAS_BUCKET, updates: 0.5, inserts: 0, updateBy: 'if-match' },
  },
];

const DISTRIBUTIONS = ['zipfian', 'uniform'] as const;

export const YCSB: Group = {
  id: 'ycsb',
  title: 'The mixes of YCSB',
  question: 'How many operations per second does it take of mixed loads, and what do popular keys cost?',
  clusters: ({ fsync }) => [{ name: QUORATE, nodeCount: 3, fsync }],
  loadings: ({ storedKeys }) => [
    loadingOf(QUORATE, storedKeys),
    loadingOf(QUORATE, storedKeys, { bucket: CAS_BUCKET }),
  ],
  scenarios: ({ storedKeys }) =>
    MIXES.flatMap(({ letter, title, mix }) =>
      DISTRIBUTIONS.filter((distribution) => letter !== 'D' || distribution === 'zipfian').map(
        (distribution): Scenario => ({
          name: nameOf(letter, distribution),
          title: letter === 'D' ? title : `${title}, ${distribution}`,
          target: QUORATE,
          through: 'all nodes',
          storedKeys,
          workload: { ...mix, type: 'mix', distribution: letter === 'D' ? 'latest' : distribution },
        }),
      ),
    ),
  figures: (summaries, loadModel) => [
    {
      id: 'rate',
      title: 'Operations per second',
      type: 'bars',
      loadModel,
      x: { label: '', scale: 'category', categories: MIXES.map(({ title }) => title) },
      y: { label: 'operations/s', scale: 'linear' },
      series: DISTRIBUTIONS.map((distribution) =>
        seriesOf(summaries, {
          name: distribution === 'zipfian' ? `Zipfian keys (${ZIPF_THETA}; D: latest)` : 'uniform keys',
          places: MIXES.map(({ letter }, x) => ({ x, scenario: nameOf(letter, distribution) })),
        }),
      ),
    },
  ],
  answer: (summaries) =>
    `With Zipfian keys ${MIXES.map(({ letter }) => `${whole(rateOf(summaries, nameOf(letter, 'zipfian')))}/s of ${letter}`).join(', ')}.`,
  remarks: [
    'An update reads first and then replaces what it read, for a write that knows nothing of the value would become its sibling: it is one operation of two requests. A, B: by the context, so that what came in between becomes a sibling (read 300). F: by If-Match in a bucket of mode cas, so that it is refused (update 412).',
    'E (scans) is left out: the store does not list keys. Reads and writes are at R=2, W=2.',
    'Keys are chosen as YCSB does it: ranks by the Zipfian generator of Gray et al. (SIGMOD 1994), scattered by a hash.',
  ],
};

function nameOf(letter: string, distribution: 'zipfian' | 'uniform'): string {
  return `ycsb-${letter.toLowerCase()}-${distribution}`;
}
