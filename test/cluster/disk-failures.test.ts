/**
 * A real node whose disk is full, or fails: the others serve, and say so to whoever looks after them, all the while. Nothing is
 * lost by it.
 */
import { join } from 'node:path';
import { rm } from 'node:fs/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { failWritesOf, SmallDisk, whyNoWriteFailures } from './nemesis/small-disk.ts';
import { createProcessCluster, type ProcessCluster } from './process-cluster.ts';
import { readBack } from './read-back.ts';

const NODE = 'n3';
const OTHERS = ['n1', 'n2'] as const;
const CONFIG = { storage: { writeBufferBytes: 64 * 1024, reserveBytes: 4 * 1024 * 1024 } };
const VALUE = 'x'.repeat(2_000);
/** Writes that have to be acknowledged while the disk is broken. */
const WRITES = 300;
/** Whoever looks after a node gives it up then, and takes it for dead. */
const LIMIT_MS = 5_000;

let cluster: ProcessCluster;
let disk: SmallDisk | undefined;
let watch: Watch | undefined;
afterEach(async () => {
  await watch?.stop().catch(() => undefined);
  if (disk !== undefined) {
    await rm(join(cluster.dataDirectory, NODE));
    await disk.close();
  }
  await cluster?.close();
  [disk, watch] = [undefined, undefined];
});

/** Writes without pause through the others, and asks these for their health, until it is stopped. */
class Watch {
  readonly acknowledged: (readonly [target: string, value: string])[] = [];
  /** What was asked, and answered otherwise than well. */
  readonly complaints: string[] = [];
  asked = 0;
  #isOver = false;
  #writes = 0;
  readonly #loops = OTHERS.flatMap((node) => [
    ...['/livez', '/readyz'].map((path) => this.#askFor(node, path)),
    ...Array.from({ length: 4 }, () => this.#writeThrough(node)),
  ]);

  async stop(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#loops);
  }

  async #askFor(node: string, path: string): Promise<void> {
    while (!this.#isOver) {
      const answer = await cluster
        .client(node)
        .send(path, { limitMs: LIMIT_MS })
        .catch((error: unknown) => String(error));
      this.asked += 1;
      if (typeof answer === 'string') this.complaints.push(`${node} ${path}: ${answer}`);
      else if (answer.status !== 200)
        this.complaints.push(`${node} ${path}: ${answer.status} ${answer.text}`);
    }
  }

  async #writeThrough(node: string): Promise<void> {
    while (!this.#isOver) {
      this.#writes += 1;
      const [target, value] = [`/v1/kv/disks/key-${this.#writes}`, `${this.#writes} ${VALUE}`];
      const { status } = await cluster.client(node).put(target, value);
      if (status === 201) this.acknowledged.push([target, value]);
    }
  }
}

/** The others answer and take writes while the disk of the node is broken by this. */
async function expectOthersWell(breakDisk: () => Promise<void>): Promise<Watch> {
  const begun = new Watch();
  watch = begun;
  await cluster.eventually('writes are acknowledged', async () =>
    expect(begun.acknowledged.length).toBeGreaterThan(WRITES / 4),
  );
  await breakDisk();
  await cluster.eventually('the node has noticed what is wrong with its disk', async () => {
    if (!cluster.isRunning(NODE)) return;
    expect((await cluster.client(NODE).get('/readyz')).status).toBe(503);
  });
  const { asked, acknowledged } = begun;
  const goal = acknowledged.length + WRITES;
  await cluster.eventually('writes go on without it', async () =>
    expect(begun.acknowledged.length).toBeGreaterThan(goal),
  );
  await begun.stop();
  expect(begun.asked).toBeGreaterThan(asked + 20);
  expect(begun.complaints).toEqual([]);
  return begun;
}

async function expectNothingLost({ acknowledged }: Watch): Promise<void> {
  for (const node of cluster.nodes) {
    const reads = { targetOf: ([target]: readonly [string, string]) => target, r: 2 };
    await readBack(cluster, node, acknowledged, reads, ([target, value], answer) =>
      expect([answer.status, answer.text], `${target} through ${node}`).toEqual([200, value]),
    );
  }
}

describe('while the disk of one node', () => {
  it('is full, the others are well', async ({ skip }) => {
    cluster = await createProcessCluster({ nodes: 3, config: CONFIG });
    const small = await SmallDisk.create(cluster.directory, join(cluster.dataDirectory, NODE));
    if (typeof small === 'string') return skip(small);
    disk = small;
    cluster.start(...cluster.nodes);
    await cluster.waitReady();
    const seen = await expectOthersWell(() => small.fill());
    await small.free();
    if (!cluster.isRunning(NODE)) cluster.start(NODE);
    await cluster.waitReady();
    await expectNothingLost(seen);
  });

  it('takes no writes any more, the others are well, and the node has ended itself', async ({ skip }) => {
    const reason = await whyNoWriteFailures();
    if (reason !== undefined) return skip(reason);
    cluster = await createProcessCluster({ nodes: 3, config: CONFIG });
    cluster.start(...cluster.nodes);
    await cluster.waitReady();
    const seen = await expectOthersWell(() => failWritesOf(cluster.pid(NODE)));
    expect(cluster.isRunning(NODE)).toBe(false);
    expect(cluster.logs(NODE)).toContain('"code":"storage-failed"');
    await cluster.restart(NODE);
    await expectNothingLost(seen);
  });
});
