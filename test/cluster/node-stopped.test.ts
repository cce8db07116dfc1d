/**
 * Nodes that are stopped: their connections are open, and nothing comes back. What was sent to them is unknown, which is never
 * reported as failed, and it may appear when they wake. `QUORATE_PAUSE_SECONDS=90`: one of them sleeps for longer than every time limit
 * that a node has.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, problemIn } from '../server/http/http-client.ts';
import { PlacedKeys } from './placed-keys.ts';
import { type ProcessCluster, startProcessCluster } from './process-cluster.ts';

const PAUSE_MS = 1_000 * Number(process.env['QUORATE_PAUSE_SECONDS'] ?? 2);
/** Milliseconds between writes while it sleeps. */
const WRITE_EVERY_MS = 100;

let cluster: ProcessCluster;
let keys: PlacedKeys;
beforeAll(async () => {
  cluster = await startProcessCluster({ nodes: 5 });
  keys = await PlacedKeys.of(cluster);
});
afterAll(() => cluster?.close());

describe('with home replicas that are stopped', () => {
  it('a write that was sent but not confirmed in time is unknown, and is never said to have failed', async () => {
    const { target, homes } = keys.draw('b');
    const [coordinator, ...others] = homes as [string, ...string[]];
    for (const node of others) cluster.stop(node);
    try {
      const startedMs = performance.now();
      const put = await cluster.client(coordinator).put(target, 'perhaps', {
        'Quorate-Timeout-Ms': '700',
        'Quorate-Sloppy': '?0',
      });
      expect(put.status).toBe(504);
      // It waited for its deadline, and not for ever.
      expect(performance.now() - startedMs).toBeGreaterThan(650);
      const problem = problemIn(put);
      expect(problem).toMatchObject({ code: 'quorum-timeout', outcome: 'unknown', required: 2, received: 1 });
      expect(problem.replicas?.find(({ node }) => node === coordinator)?.result).toBe('ok');
      for (const node of others) {
        expect(problem.replicas?.find((replica) => replica.node === node)?.result).toBe('no-answer');
      }
      const get = await cluster.client(coordinator).get(target, {
        'Quorate-Timeout-Ms': '300',
        'Quorate-Sloppy': '?0',
      });
      expect(get.status).toBe(504);
      expect(problemIn(get)).toMatchObject({
        code: 'quorum-timeout',
        outcome: 'not-applied',
        required: 2,
        received: 1,
      });
    } finally {
      for (const node of others) cluster.cont(node);
    }
    // The replicas that slept store it when they wake: it was never rolled back.
    await cluster.eventually('the write has appeared', async () => {
      expect((await cluster.client(others[0] as string).get(target, { 'Quorate-R': '1' })).text).toBe(
        'perhaps',
      );
    });
  });

  it('others stand in for them after a while, if that is allowed', async () => {
    const { target, homes } = keys.draw('b');
    const [coordinator, ...others] = homes as [string, ...string[]];
    for (const node of others) cluster.stop(node);
    try {
      const put = await cluster.client(coordinator).put(target, 'stood in for');
      expect(put.headers['quorate-quorum']).toBe('n=3, w=2, acks=2, sloppy=?1');
      expect((await cluster.client(coordinator).get(target)).text).toBe('stood in for');
    } finally {
      for (const node of others) cluster.cont(node);
    }
    await cluster.waitReady();
  });

  it('what a client asked of them and has given up is not begun when they wake', async () => {
    const { target, homes } = keys.draw('b');
    const [stopped, other] = homes as [string, string];
    await cluster.client(other).put(target, 'old', { 'Quorate-Consistency': 'all' });
    cluster.stop(stopped);
    let late: Promise<Answer>;
    try {
      // It lies in the socket of a process that does not run; whoever sent it waits no longer than half a second.
      late = cluster.client(stopped).delete(target, { 'Quorate-Timeout-Ms': '500' });
      await delay(700);
      const put = await cluster.client(other).put(target, 'new', { 'Quorate-Consistency': 'quorum' });
      expect(put.status).toBeLessThan(300);
      await delay(1_500);
    } finally {
      cluster.cont(stopped);
    }
    const answer = await late;
    expect([answer.status, problemIn(answer).outcome]).toEqual([503, 'not-applied']);
    expect(problemIn(answer)).toMatchObject({ detail: expect.stringContaining('This node stood still') });
    await cluster.waitReady();
    const read = await cluster.client(stopped).get(target, { Accept: 'application/vnd.quorate.entry+json' });
    expect(read.text).toContain('new');
    // What comes later is begun.
    expect((await cluster.client(stopped).delete(target)).status).toBe(204);
  });

  it(
    'they get all that was written meanwhile, plain or conditional, however long they slept',
    async () => {
      const sleeper = 'n2';
      const through = cluster.client('n1');
      const written: string[] = [];
      cluster.stop(sleeper);
      try {
        const endMs = performance.now() + PAUSE_MS;
        while (performance.now() < endMs) {
          const { target } = keys.draw('b');
          const condition = written.length % 2 === 0 ? {} : { 'If-None-Match': '*' };
          const put = await through.put(target, target, condition);
          if (put.status < 300) written.push(target);
          // It hangs first, and is taken for gone then: what is not confirmed is not known.
          else expect(put.status).toBeOneOf([503, 504]);
          await delay(WRITE_EVERY_MS);
        }
      } finally {
        cluster.cont(sleeper);
      }
      await cluster.waitReady();
      expect(written.length).toBeGreaterThan(PAUSE_MS / WRITE_EVERY_MS / 4);
      for (const target of written) {
        const plain = await cluster.client(sleeper).get(target);
        const linearizable = await cluster.client(sleeper).get(target, {
          'Quorate-Consistency': 'linearizable',
        });
        expect([target, plain.text, linearizable.text]).toEqual([target, target, target]);
      }
    },
    PAUSE_MS + 60_000,
  );

  it('reads ask another one instead', async () => {
    const { target, homes, others } = keys.draw('b');
    await cluster.client('n1').put(target, 'v', { 'Quorate-Consistency': 'all' });
    const stopped = homes[1] as string;
    cluster.stop(stopped);
    try {
      for (const node of [homes[0], ...others] as string[]) {
        expect((await cluster.client(node).get(target)).text).toBe('v');
      }
    } finally {
      cluster.cont(stopped);
    }
  });

  it('a write that was forwarded and not answered is unknown, and is not made again elsewhere', async () => {
    const { target, homes, others } = keys.draw('b');
    const outsider = others[0] as string;
    for (const node of homes) cluster.stop(node);
    try {
      const put = await cluster.client(outsider).put(target, 'forwarded', { 'Quorate-Timeout-Ms': '500' });
      expect(put.status).toBe(504);
      expect(problemIn(put)).toMatchObject({ code: 'quorum-timeout', outcome: 'unknown' });
    } finally {
      for (const node of homes) cluster.cont(node);
    }
    await cluster.waitReady();
    const { status, headers } = await cluster.client(outsider).get(target);
    // The deadline had passed when the coordinator woke; whatever it did, there is one event at most.
    expect(status).toBeOneOf([200, 404]);
    expect(headers['quorate-siblings']).toBe(status === 200 ? '1' : '0');
  });
});
