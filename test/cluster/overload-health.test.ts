/** A real node that is asked for more than it takes on: it refuses that, and still answers whoever looks after it. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ClusterBody } from '../../src/api/bodies.ts';
import { HttpClient, problemIn } from '../server/http/http-client.ts';
import { type ProcessCluster, startProcessCluster } from './process-cluster.ts';

const NODE = 'n1';
const MAX_OPERATIONS = 8;
const CROWD = 128;
const ROUNDS = 12;
/** Operations that are refused between two rounds, at least. */
const REFUSED_BETWEEN = 50;
/** Whoever looks after a node gives it up then, and takes it for dead. */
const LIMIT_MS = 5_000;

let cluster: ProcessCluster;
let crowd: HttpClient;
beforeAll(async () => {
  cluster = await startProcessCluster({
    nodes: 3,
    config: { limits: { maxOperationsInFlight: MAX_OPERATIONS } },
  });
  crowd = new HttpClient(cluster.ports(NODE).http);
});
afterAll(async () => {
  crowd?.close();
  await cluster?.close();
});

/** Clients that write and read without pause, until they are told to stop. */
class Crowd {
  done = 0;
  refused = 0;
  readonly statuses = new Set<number>();
  readonly refusals = new Set<string>();
  #isOver = false;
  readonly #clients = Array.from({ length: CROWD }, (_, client) => this.#run(client));

  async stop(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#clients);
  }

  /** Each key is written, and then read. */
  async #run(client: number): Promise<void> {
    for (let turn = 0; !this.#isOver; turn += 1) {
      const target = `/v1/kv/crowd/key-${client}-${Math.floor(turn / 2)}`;
      const answer = await (turn % 2 === 0 ? crowd.put(target, `value ${turn}`) : crowd.get(target));
      if (answer.status === 503) {
        this.refused += 1;
        this.refusals.add(`${problemIn(answer).code} ${problemIn(answer).outcome}`);
      } else {
        this.done += 1;
        this.statuses.add(answer.status);
      }
    }
  }
}

async function ask(path: string): Promise<string> {
  const { status, text } = await cluster.client(NODE).send(path, { limitMs: LIMIT_MS });
  expect([path, status]).toEqual([path, 200]);
  return text;
}

it('answers for its health, its metrics and its cluster while it refuses operations of a crowd', async () => {
  const clients = new Crowd();
  try {
    for (let round = 0; round < ROUNDS; round += 1) {
      const { done, refused } = clients;
      await cluster.eventually('the crowd is being refused, and some of it served', async () => {
        expect(clients.refused).toBeGreaterThan(refused + REFUSED_BETWEEN);
        expect(clients.done).toBeGreaterThan(done);
      });
      const [, ready, metrics, members] = await Promise.all(
        ['/livez', '/readyz', '/metrics', '/v1/cluster'].map(ask),
      );
      expect(JSON.parse(ready as string)).toMatchObject({ ready: true, reasons: [] });
      const inFlight = /^quorate_http_requests_in_flight(?:\{.*\})? (\d+)$/m.exec(metrics as string)?.[1];
      expect(Number(inFlight)).toBeLessThanOrEqual(MAX_OPERATIONS);
      // It has not lost the others over it.
      for (const { id, state } of (JSON.parse(members as string) as ClusterBody).members)
        expect([id, state]).toEqual([id, id === NODE ? 'self' : 'up']);
    }
  } finally {
    await clients.stop();
  }
  expect([...clients.refusals]).toEqual(['overloaded not-applied']);
  // 404: the write was refused.
  for (const status of clients.statuses) expect(status).toBeOneOf([200, 201, 404]);
});
