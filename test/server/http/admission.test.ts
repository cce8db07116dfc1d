/** Which requests a node lets in: by number, and by the time that one more would take. */
import { describe, expect, it } from 'vitest';
import { PROBLEMS } from '../../../src/api/errors.ts';
import { Admission } from '../../../src/server/http/admission.ts';
import { problemIn } from './http-client.ts';
import { startTestServer } from './test-server.ts';

/** A node on a clock of its own, which ends so many requests per second and is given a new one for each. */
class Busy {
  nowMs = 0;
  readonly admission = new Admission(4_096, () => this.nowMs);

  enter(count: number): void {
    for (let entered = 0; entered < count; entered += 1) this.admission.enter();
  }

  /** Ends `perSecond` requests per second for that long, and lets as many in. */
  run(seconds: number, perSecond: number): void {
    for (let ended = 0; ended < seconds * perSecond; ended += 1) {
      this.nowMs += 1_000 / perSecond;
      this.admission.leave(true);
      this.admission.enter();
    }
  }
}

describe('a node wants more requests', () => {
  it('while it has less than half of those that are always let in, and as many as make them up', () => {
    const busy = new Busy();
    expect(busy.admission.room).toBe(128);
    busy.enter(63);
    expect(busy.admission.room).toBe(65);
    busy.enter(1);
    expect(busy.admission.room).toBe(0);
    const small = new Admission(2);
    expect(small.room).toBe(2);
    small.enter();
    expect(small.room).toBe(1);
    small.enter();
    expect(small.room).toBe(0);
  });
});

describe('a node lets a request in', () => {
  it('whatever it may take while few are running', () => {
    const busy = new Busy();
    busy.enter(100);
    busy.run(2, 10);
    expect(busy.admission.overload(1)).toBeUndefined();
  });

  it('if what it ends per second promises an answer in half of its time limit', () => {
    const busy = new Busy();
    busy.enter(500);
    busy.run(3, 1_000);
    expect(busy.admission.overload(1_100)).toBeUndefined();
    expect(busy.admission.overload(900)).toBe(
      '500 requests are running on this node; one more would take about 500 ms, too long for its time limit of 900 ms.',
    );
  });

  it('by what it ends now, not by what it ended once', () => {
    const busy = new Busy();
    busy.enter(500);
    busy.run(3, 1_000);
    busy.run(2, 100);
    expect(busy.admission.overload(5_000)).toContain('too long for its time limit of 5000 ms');
    busy.run(3, 2_000);
    expect(busy.admission.overload(600)).toBeUndefined();
  });

  it('in a tenth of its time limit, once half of one was not enough, and until nothing is refused for a while', () => {
    const busy = new Busy();
    busy.enter(500);
    busy.run(3, 1_000);
    expect(busy.admission.overload(2_000)).toBeUndefined();
    expect(busy.admission.overload(900)).toBeDefined();
    expect(busy.admission.overload(2_000)).toBeDefined();
    expect(busy.admission.overload(5_100)).toBeUndefined();
    busy.run(0.9, 1_000);
    expect(busy.admission.overload(2_000)).toBeDefined();
    busy.run(1.1, 1_000);
    expect(busy.admission.overload(2_000)).toBeUndefined();
  });

  it('in a burst after a pause, of which nothing is known yet', () => {
    const busy = new Busy();
    busy.enter(200);
    busy.run(3, 10);
    expect(busy.admission.overload(5_000)).toBeDefined();
    for (let left = 0; left < 200; left += 1) busy.admission.leave(true);
    busy.nowMs += 3_000;
    busy.enter(2_000);
    expect(busy.admission.overload(1)).toBeUndefined();
  });

  it('in a burst after a quiet time, which has not shown what the node can bear', () => {
    const busy = new Busy();
    busy.enter(10);
    busy.run(5, 10);
    busy.enter(2_000);
    expect(busy.admission.overload(1)).toBeUndefined();
    busy.run(1, 1_000);
    expect(busy.admission.overload(5_000)).toBeUndefined();
    expect(busy.admission.overload(3_000)).toMatch(/one more would take about 20\d\d ms/);
  });

  it('in a burst that takes its time to come in, and of which few have ended', () => {
    const busy = new Busy();
    busy.enter(500);
    busy.nowMs += 600;
    expect(busy.admission.overload(1_200)).toBeUndefined();
    busy.run(0.2, 5);
    busy.nowMs += 150;
    expect(busy.admission.overload(2_000)).toBeUndefined();
    busy.run(1, 1_000);
    expect(busy.admission.overload(1_200)).toBeUndefined();
    expect(busy.admission.overload(900)).toBeDefined();
  });

  it('in a burst that has stood for less than half of its time limit, as long as nothing else is known', () => {
    const busy = new Busy();
    busy.enter(500);
    busy.nowMs += 600;
    expect(busy.admission.overload(1_201)).toBeUndefined();
    expect(busy.admission.overload(1_199)).toContain('one more would take about 600 ms');
  });

  it('by what it ends, not by what it gives up', () => {
    const busy = new Busy();
    busy.enter(500);
    busy.run(1, 200);
    for (let left = 0; left < 200; left += 1) busy.admission.leave(false);
    busy.nowMs += 100;
    expect(busy.admission.overload(1)).toMatch(/^300 requests are running .* about 1[5-9]\d\d ms/);
  });

  it('by what it ends, however little that is', () => {
    const busy = new Busy();
    busy.enter(200);
    busy.run(2, 20);
    expect(busy.admission.overload(5_000)).toBeDefined();
  });

  it('by what it ended in the last queue, for a while', () => {
    const busy = new Busy();
    busy.enter(500);
    busy.run(3, 1_000);
    for (let left = 0; left < 490; left += 1) busy.admission.leave(true);
    busy.run(1, 10);
    busy.enter(490);
    expect(busy.admission.overload(5_000)).toBeUndefined();
    expect(busy.admission.overload(500)).toBeDefined();
    for (let left = 0; left < 490; left += 1) busy.admission.leave(true);
    busy.run(3, 10);
    busy.enter(490);
    expect(busy.admission.overload(500)).toBeUndefined();
  });

  it('whatever it ended before, if it has ended nothing for a while', () => {
    const busy = new Busy();
    busy.enter(500);
    busy.run(3, 1_000);
    busy.nowMs += 1_000;
    expect(busy.admission.overload(1_000)).toBeDefined();
    busy.nowMs += 1_100;
    expect(busy.admission.overload(1_000)).toBeUndefined();
    busy.run(1, 1_000);
    expect(busy.admission.overload(1_100)).toBeUndefined();
    // Nor does that time count when it was over before anybody asked.
    busy.nowMs += 3_000;
    busy.run(0.05, 1_000);
    expect(busy.admission.overload(102)).toBeUndefined();
  });

  it.each([1, 10, 50, 100])(
    'by what it can bear, where it ends %i at once, and as many are running as are always let in',
    (atOnce) => {
      const busy = new Busy();
      const perSecond = 1_000;
      busy.enter(128);
      // Three times as many are offered, and what would make it more than 128 is refused.
      for (let ms = 1; ms <= 5_000; ms += 1) {
        busy.nowMs += 1;
        if ((ms * perSecond) % (atOnce * 1_000) === 0)
          for (let left = 0; left < atOnce; left += 1) busy.admission.leave(true);
        for (let offered = 0; offered < 3; offered += 1)
          if (busy.admission.inFlight < 128) busy.admission.enter();
      }
      busy.enter(128 - busy.admission.inFlight);
      const seen = /take about (\d+) ms/.exec(busy.admission.overload(1) ?? '')?.[1];
      expect(Number(seen)).toBeGreaterThan(80);
      expect(Number(seen)).toBeLessThan(190);
    },
  );

  it('up to its bound, whatever they may take', () => {
    const admission = new Admission(3, () => 0);
    for (let entered = 0; entered < 3; entered += 1) admission.enter();
    expect(admission.overload(Number.POSITIVE_INFINITY)).toBe(
      '3 requests are running on this node, which is its limit.',
    );
    expect(() => admission.enter()).toThrow('which is its limit');
    admission.leave(true);
    expect(admission.overload(1)).toBeUndefined();
  });
});

describe('a request that is refused for want of time', () => {
  it('gets a whole answer, and so does one that is no operation', async () => {
    const server = await startTestServer({ limits: { maxOperationsInFlight: 1 }, origins: ['http://page'] });
    try {
      server.admission.enter();
      const target = '/v1/kv/bucket/key';
      const put = await server.client.put(target, 'v', {
        'Quorate-Request-Id': 'mine',
        Origin: 'http://page',
      });
      expect(put.status).toBe(503);
      expect(problemIn(put)).toMatchObject({ code: 'overloaded', outcome: 'not-applied', requestId: 'mine' });
      expect(put.headers).toMatchObject({
        'retry-after': '1',
        'cache-control': 'no-store',
        vary: 'Accept, Prefer, Origin',
        'access-control-allow-origin': 'http://page',
        'quorate-coordinator': server.node.nodeId,
        'quorate-request-id': 'mine',
      });
      expect(problemIn(put)).toEqual({
        type: 'urn:quorate:problem:overloaded',
        title: PROBLEMS.overloaded.title,
        status: 503,
        detail: '1 requests are running on this node, which is its limit.',
        code: 'overloaded',
        outcome: 'not-applied',
        requestId: 'mine',
        hint: 'Nothing was done. Try again after a pause, or through another node.',
        retryAfterMs: 1_000,
      });
      const retry = await server.client.put(target, 'v', { 'Quorate-Write-Id': 'once' });
      expect(problemIn(retry)).toMatchObject({
        code: 'overloaded',
        outcome: 'unknown',
        requestId: retry.headers['quorate-request-id'],
        hint: expect.stringContaining('an earlier one under this Quorate-Write-Id'),
      });
      const head = await server.client.head(target);
      expect(head).toMatchObject({ status: 503 });
      for (const path of ['/livez', '/readyz', '/metrics', '/v1/cluster', '/v1/ring']) {
        expect((await server.client.get(path)).status, path).toBe(200);
      }
      server.admission.leave(true);
      expect((await server.client.put(target, 'v')).status).toBe(201);
    } finally {
      await server.close();
    }
  });
});
