/**
 * A real node whose disk has lost the end of what it had confirmed: the rest is sound, and nothing in it says that anything is
 * missing. The others know how far its store had come, so it is noticed all the same, and everything comes back.
 */
import { readdir, rm, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ClusterBody, InspectBody } from '../../src/api/bodies.ts';
import { problemIn } from '../server/http/http-client.ts';
import { expectSoundStores } from './final-state.ts';
import { type ProcessCluster, startProcessCluster } from './process-cluster.ts';
import { readBack } from './read-back.ts';

/** For a busy machine: seven starts of nodes, one after the other, and a recovery. */
const TIME_LIMIT_MS = 120_000;
const ALL = { 'Quorate-Consistency': 'all' };

type Entry = readonly [target: string, value: string];

let cluster: ProcessCluster;
beforeEach(async () => {
  cluster = await startProcessCluster({ nodes: 3 });
});
afterEach(() => cluster?.close());

/** Through n1, so that the others hear how far its store has come. */
async function write(name: string, count: number, headers: Record<string, string>): Promise<Entry[]> {
  return Promise.all(
    Array.from({ length: count }, async (_, index): Promise<Entry> => {
      const entry = [`/v1/kv/lost/${name}-${index}`, `${name} ${index}`] as const;
      expect((await cluster.client('n1').put(...entry, headers)).status).toBe(201);
      return entry;
    }),
  );
}

async function recoveryOf(node: string): Promise<ClusterBody['recovery']> {
  return (JSON.parse((await cluster.client(node).get('/v1/cluster')).text) as ClusterBody).recovery;
}

async function inspected(target: string): Promise<InspectBody> {
  const { text } = await cluster.client('n2').get(target.replace('/v1/kv/', '/v1/inspect/'));
  return JSON.parse(text) as InspectBody;
}

/** What LevelDB wrote last: its log. What came before the last start of its process is in tables. */
async function logOf(node: string): Promise<string> {
  const directory = join(cluster.dataDirectory, node);
  const [log, ...others] = (await readdir(directory)).filter((file) => file.endsWith('.log'));
  if (log === undefined || others.length > 0) throw new Error('there is not exactly one log');
  return join(directory, log);
}

it.each<[string, (log: string) => Promise<void>]>([
  ['cut off in its middle', async (log) => truncate(log, Math.floor((await stat(log)).size / 2))],
  ['missing', (log) => rm(log)],
])(
  'a node whose newest file is %s is noticed, counts for nothing in reads until it is healed, and is whole then',
  { timeout: TIME_LIMIT_MS },
  async (_what, damage) => {
    const kept = await write('kept', 40, ALL);
    await cluster.kill9('n1');
    await cluster.restart('n1');
    // n3 misses all of it: each of these writes has its quorum with n1 and n2 alone.
    cluster.stop('n3');
    const lost = await write('lost', 80, {});
    await cluster.kill9('n3', 'n1');
    await damage(await logOf('n1'));

    cluster.start('n1');
    await cluster.eventually('n1 is told that it has lost something', async () => {
      expect(cluster.logs('n1')).toContain(
        '"code":"store-lost-something","kind":"rolled-back","toldBy":"n2"',
      );
      expect(await recoveryOf('n1')).toMatchObject({ waitingFor: ['n3'] });
    });
    expect(cluster.logs('n2')).toContain('"code":"peer-store-rolled-back","peer":"n1"');
    expect((await cluster.client('n1').get('/readyz')).text).toContain('The node is recovering');
    // What n1 holds does not count, and n2 alone is no quorum.
    for (const [target] of [lost[7], lost[77], kept[7]] as Entry[]) {
      for (const node of ['n1', 'n2']) {
        const answer = await cluster.client(node).get(target, { 'Quorate-Timeout-Ms': '2000' });
        expect([answer.status, problemIn(answer).code]).toEqual([503, 'quorum-unavailable']);
        expect(problemIn(answer).replicas).toContainEqual(
          expect.objectContaining({ node: 'n1', result: 'recovering' }),
        );
      }
    }

    // n3 knows nothing of what was lost: together with an n1 that does not know that it has lost it, it would say that there is nothing.
    await cluster.kill9('n2');
    cluster.start('n3');
    await cluster.waitReady('n1', 'n3');
    for (const node of ['n1', 'n3']) {
      const reads = { targetOf: ([target]: Entry) => target, r: 2 };
      await readBack(cluster, node, lost, reads, ([target, value], answer) => {
        expect(answer.status, `${target} through ${node}`).toBeOneOf([200, 503]);
        if (answer.status === 200) expect(answer.text).toBe(value);
      });
    }

    await cluster.restart('n2');
    await cluster.eventually('n1 has got everything back', async () => {
      expect(await recoveryOf('n1')).toEqual({ partitions: 0, waitingFor: [] });
    });
    for (const node of cluster.nodes) {
      const reads = { targetOf: ([target]: Entry) => target, r: 2 };
      await readBack(cluster, node, [...kept, ...lost], reads, ([target, value], answer) =>
        expect([answer.status, answer.text], `${target} through ${node}`).toEqual([200, value]),
      );
    }
    for (const [target] of [...kept, ...lost]) {
      const { replicas } = await inspected(target);
      expect(replicas.find(({ node }) => node === 'n1')?.result, target).toBe('found');
    }
    await expectSoundStores(cluster, ['dot_collisions', 'unreadable_records', 'storage_failures']);
  },
);
