/** The client's compare-and-set on a cluster of real processes, also while nodes of it fail. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Bucket, connect, QuorateError } from '../../src/client/index.ts';
import { runCommand } from '../cli/fake-terminal.ts';
import { PlacedKeys } from './placed-keys.ts';
import { type ProcessCluster, startProcessCluster } from './process-cluster.ts';

const LINEARIZABLE = { consistency: 'linearizable' } as const;

let cluster: ProcessCluster;
let keys: PlacedKeys;
let counters: Bucket<number>;
beforeAll(async () => {
  cluster = await startProcessCluster({ nodes: 5, config: { buckets: { accounts: { mode: 'cas' } } } });
  keys = await PlacedKeys.of(cluster);
  counters = bucketThrough(cluster.nodes);
});
afterAll(() => cluster?.close());

/** Reaches the cluster through these nodes, in turn, whoever holds the key. */
function bucketThrough(nodes: readonly string[], name = 'counters'): Bucket<number> {
  const urls = nodes.map((node) => cluster.url(node));
  return connect({ nodes: urls, routing: 'round-robin', timeoutMs: 30_000 }).bucket<number>(name);
}

describe('the client', () => {
  it('creates once, swaps what it read, and deletes what is there', async () => {
    const { key } = keys.draw('counters');
    const created = await counters.create(key, 1);
    if (!created.ok) throw new Error('lost');
    expect(created).toMatchObject({ created: true, siblings: 1 });
    expect(await counters.create(key, 2)).toMatchObject({ ok: false, current: { type: 'found', value: 1 } });
    const read = await counters.get(key, LINEARIZABLE);
    expect(read).toMatchObject({ type: 'found', etag: created.etag });
    const swapped = await counters.cas(key, 2, { if: read });
    if (!swapped.ok) throw new Error('lost');
    const lost = await counters.cas(key, 3, { if: created });
    expect(lost).toMatchObject({ ok: false, current: { type: 'found', value: 2, etag: swapped.etag } });
    expect(await counters.deleteIf(key, { if: created })).toMatchObject({ ok: false });
    expect(await counters.deleteIf(key, { if: swapped })).toMatchObject({ ok: true, type: 'deleted' });
    const gone = await counters.cas(key, 3, { if: swapped });
    expect(gone).toMatchObject({ ok: false, current: { type: 'absent', context: expect.any(String) } });
    expect(await counters.get(key, LINEARIZABLE)).toMatchObject({ type: 'absent' });
  });

  it('writes to a bucket of mode cas', async () => {
    const accounts = bucketThrough(cluster.nodes, 'accounts');
    const { key } = keys.draw('accounts');
    await expect(accounts.putBlind(key, 1)).rejects.toMatchObject({ code: 'precondition-required' });
    expect(await accounts.update(key, ([value = 0]) => value + 1, LINEARIZABLE)).toMatchObject({ value: 1 });
    expect(await accounts.get(key)).toMatchObject({ type: 'found', value: 1 });
  });

  it('counts right: 24 at once, each of whose updates happens once', async () => {
    const { key } = keys.draw('counters');
    const added = Array.from({ length: 24 }, () =>
      counters.update(key, ([value = 0]) => value + 1, { ...LINEARIZABLE, maxRounds: 1_000 }),
    );
    const values = (await Promise.all(added)).map((updated) =>
      updated.type === 'written' ? updated.value : 0,
    );
    expect(new Set(values).size).toBe(24);
    expect(await counters.get(key, LINEARIZABLE)).toMatchObject({ type: 'found', value: 24 });
  });
});

describe('while the node that coordinates the key is killed and started again', () => {
  it('the sum is what was acknowledged, and what is unknown can be told', async () => {
    const { key, homes } = keys.draw('counters');
    const [first = ''] = homes;
    const through = bucketThrough(cluster.nodes.filter((node) => node !== first));
    let acknowledged = 0;
    let unknown = 0;
    const over = new AbortController();
    const count = async (): Promise<void> => {
      while (!over.signal.aborted) {
        try {
          await through.update(key, ([value = 0]) => value + 1, { ...LINEARIZABLE, maxRounds: 1_000 });
          acknowledged += 1;
        } catch (thrown) {
          if (!(thrown instanceof QuorateError)) throw thrown;
          if (thrown.outcome === 'unknown') unknown += 1;
        }
      }
    };
    const counting = Promise.all(Array.from({ length: 8 }, count));
    await cluster.eventually('it counts', async () => expect(acknowledged).toBeGreaterThan(20));
    await cluster.kill9(first);
    const before = acknowledged;
    await cluster.eventually('it counts without it', async () =>
      expect(acknowledged).toBeGreaterThan(before + 20),
    );
    cluster.start(first);
    await cluster.waitReady();
    const after = acknowledged;
    await cluster.eventually('it counts with it', async () =>
      expect(acknowledged).toBeGreaterThan(after + 20),
    );
    over.abort();
    await counting;
    const read = await counters.get(key, LINEARIZABLE);
    if (read.type !== 'found') throw new Error(read.type);
    expect(read.value).toBeGreaterThanOrEqual(acknowledged);
    expect(read.value).toBeLessThanOrEqual(acknowledged + unknown);
  });
});

describe('the command line', () => {
  it('writes if the entry is as expected, and exits 4 if it is not', async () => {
    const { key } = keys.draw('notes');
    const quorate = (command: string, ...words: readonly string[]): ReturnType<typeof runCommand> =>
      runCommand([
        command,
        'notes',
        key,
        ...words,
        ...cluster.nodes.flatMap((node) => ['--node', cluster.url(node)]),
      ]);
    const created = await quorate('cas', 'one', '--if-absent', '-v');
    expect(created).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/^created \(n=3, w=2, acks=2/),
    });
    const [, etag = ''] = /^etag: "(\S+)"$/m.exec(created.stderr) ?? [];
    expect(await quorate('cas', 'two', '--if-absent')).toMatchObject({
      exitCode: 4,
      stderr: expect.stringContaining(`--if-match ${etag}\n`),
    });
    expect(await quorate('put', 'two', '--if-match', etag)).toMatchObject({ exitCode: 0 });
    expect(await quorate('delete', '--if-match', etag)).toMatchObject({ exitCode: 4 });
    expect(await quorate('get', '--consistency', 'linearizable')).toMatchObject({
      exitCode: 0,
      stdout: 'two',
    });
    expect(await quorate('get', '--consistency', 'linearizable', '-r', '2')).toMatchObject({ exitCode: 2 });
    const read = await quorate('get', '--consistency', 'linearizable', '-v');
    const [, now = ''] = /^etag: (\S+)$/m.exec(read.stderr) ?? [];
    expect(await quorate('delete', '--if-match', now)).toMatchObject({ exitCode: 0 });
    expect(await quorate('get', '--consistency', 'linearizable')).toMatchObject({ exitCode: 3 });
    expect(await quorate('cas', 'three', '--if-match', now)).toMatchObject({
      exitCode: 4,
      stderr: expect.stringContaining('--if-absent'),
    });
  });
});
