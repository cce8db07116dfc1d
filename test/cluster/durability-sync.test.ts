/**
 * Every acknowledged write was on the disks of W nodes between its request and its answer. kill -9 cannot show that: what a
 * process has written is in the memory of the system, and survives it. So the nodes are watched: a write counts as on a node's
 * disk when a sync of its log has ended that began with the whole batch in the file.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { batchesIn } from './level-log.ts';
import { type ProcessCluster, startProcessCluster } from './process-cluster.ts';
import { type FileSync, SyncObserver, whyNoSyncObserver } from './sync-observer.ts';

const WRITES = 300;
const CLIENTS = 8;

const skipped = await whyNoSyncObserver();

interface AcknowledgedWrite {
  /** Nowhere else in any file. */
  readonly value: string;
  readonly w: number;
  readonly calledNs: bigint;
  readonly answeredNs: bigint;
}

let cluster: ProcessCluster | undefined;
let observer: SyncObserver | undefined;
afterEach(async () => {
  await cluster?.close();
  await observer?.close();
});

async function startObserved(fsync: boolean): Promise<ProcessCluster> {
  observer = await SyncObserver.create();
  cluster = await startProcessCluster({
    nodes: 3,
    environment: observer.environment,
    config: { storage: { fsync } },
  });
  return cluster;
}

/** Writes from several clients at once, to all nodes, at W = 1, 2 and 3. */
async function load(nodes: ProcessCluster): Promise<readonly AcknowledgedWrite[]> {
  const acknowledged: AcknowledgedWrite[] = [];
  const waiting = Array.from({ length: WRITES }, (_, index) => index).values();
  const client = async (): Promise<void> => {
    for (const index of waiting) {
      const value = `<value ${index}>`;
      const w = (index % 3) + 1;
      const node = nodes.nodes[Math.floor(index / 3) % 3] as string;
      const calledNs = process.hrtime.bigint();
      const put = nodes.client(node).put(`/v1/kv/synced/${index}`, value, { 'Quorate-W': String(w) });
      const { status } = await put;
      const answeredNs = process.hrtime.bigint();
      expect(status).toBe(201);
      acknowledged.push({ value, w, calledNs, answeredNs });
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  return acknowledged;
}

interface NodeLog {
  readonly text: string;
  readonly end: number;
  readonly path: string;
}

/** All batches in the logs of a node. Nothing has moved to a table yet: the write buffer has room for all of it. */
async function batchesOf(nodes: ProcessCluster, node: string): Promise<readonly NodeLog[]> {
  const directory = join(nodes.dataDirectory, node);
  const logs = (await readdir(directory)).filter((file) => file.endsWith('.log'));
  const batches = await Promise.all(
    logs.map(async (file) => {
      const path = join(directory, file);
      return batchesIn(await readFile(path)).map(({ bytes, end }) => ({
        text: bytes.toString('latin1'),
        end,
        path,
      }));
    }),
  );
  return batches.flat();
}

/** On how many nodes each write was on the disk before its answer left, each time after its request came. */
async function syncedCopies(
  nodes: ProcessCluster,
  writes: readonly AcknowledgedWrite[],
  syncs: readonly FileSync[],
): Promise<readonly number[]> {
  const batches = await Promise.all(nodes.nodes.map((node) => batchesOf(nodes, node)));
  return writes.map(
    (write) =>
      batches.filter((ofNode) => {
        const batch = ofNode.find(({ text }) => text.includes(write.value));
        if (batch === undefined) return false;
        const sync = syncs.find(({ path, bytes }) => path === batch.path && bytes >= batch.end);
        return sync !== undefined && sync.beganNs > write.calledNs && sync.endedNs < write.answeredNs;
      }).length,
  );
}

describe.skipIf(skipped !== undefined)(`syncs${skipped === undefined ? '' : `: ${skipped}`}`, () => {
  it('of W nodes lie between the request and the answer of every acknowledged write', async () => {
    const nodes = await startObserved(true);
    const writes = await load(nodes);
    await nodes.kill9(...nodes.nodes);
    const syncs = (await observer?.syncs()) ?? [];
    const copies = await syncedCopies(nodes, writes, syncs);
    const tooFew = writes.filter(({ w }, index) => (copies[index] as number) < w);
    expect(tooFew).toEqual([]);
    expect(copies).toHaveLength(WRITES);
    const average = copies.reduce((sum, count) => sum + count, 0) / copies.length;
    process.stdout.write(
      `syncs: ${WRITES} acknowledged writes at W = 1, 2, 3, on ${average.toFixed(2)} disks each when they were answered\n`,
    );
  });

  it('are not there with fsync off, which is what this test is able to see', async () => {
    const nodes = await startObserved(false);
    const writes = await load(nodes);
    await nodes.kill9(...nodes.nodes);
    const copies = await syncedCopies(nodes, writes, (await observer?.syncs()) ?? []);
    expect(copies).toEqual(writes.map(() => 0));
  });
});
