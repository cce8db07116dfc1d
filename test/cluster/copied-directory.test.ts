/**
 * A second process of a node, on a copy of its data directory and at other ports: the others refuse it as long as the first one
 * answers, it answers nobody, and the first one goes on as if there were no other.
 */
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ClusterBody, MemberBody } from '../../src/api/bodies.ts';
import { HttpClient, problemIn } from '../server/http/http-client.ts';
import { expectSoundStores } from './final-state.ts';
import { freePorts } from './free-ports.ts';
import { NodeProcess, type ServeArguments } from './node-process.ts';
import { type ProcessCluster, startProcessCluster } from './process-cluster.ts';
import { readBack } from './read-back.ts';

const NODE = 'n1';
const OTHERS = ['n2', 'n3'] as const;
/** For a busy machine: two recoveries, one after the other. */
const TIME_LIMIT_MS = 120_000;
const ALL = { 'Quorate-Consistency': 'all' };
/** Codes of lines that say that some store has lost something. */
const LOSSES = /"code":"(?:store-lost-something|incarnation-renewed|peer-store-[a-z-]+)"/;

let cluster: ProcessCluster;
/** The second process. */
let copy: NodeProcess;
let copyClient: HttpClient;
/** Values by their paths: all that was acknowledged. */
const written = new Map<string, string>();

beforeAll(async () => {
  cluster = await startProcessCluster({ nodes: 3 });
  await writeThrough(cluster.client(NODE), 'before', 40);
  await cluster.kill9(NODE);
  const serve = await copyOfNode();
  await cluster.restart(NODE);
  // The copy has missed these, and what it would write under the same numbers would be taken for them.
  await writeThrough(cluster.client(NODE), 'since', 40);
  copy = new NodeProcess(serve);
  await cluster.eventually('both others have refused the copy', async () => {
    expect(copy.end).toBeUndefined();
    for (const node of OTHERS) expect(cluster.logs(node)).toContain('"code":"clone-refused"');
  });
});
afterAll(async () => {
  copyClient?.close();
  await copy?.kill9();
  await cluster?.close();
});

async function writeThrough(
  client: HttpClient,
  name: string,
  count: number,
  headers: Record<string, string> = {},
): Promise<void> {
  await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const target = `/v1/kv/copied/${name}-${index}`;
      expect((await client.put(target, `${name} ${index}`, headers)).status).toBe(201);
      written.set(target, `${name} ${index}`);
    }),
  );
}

/** Copies the directory of a node that does not run, and gives what a process is told that is to run on the copy, elsewhere. */
async function copyOfNode(): Promise<ServeArguments> {
  const data = join(cluster.directory, 'copies');
  await mkdir(data);
  await cp(join(cluster.dataDirectory, NODE), join(data, NODE), { recursive: true });
  const [httpPort = 0, peerPort = 0] = await freePorts(2);
  copyClient = new HttpClient(httpPort);
  const file = JSON.parse(await readFile(cluster.serveArguments(NODE).config, 'utf8')) as {
    nodes: { id: string }[];
  };
  const nodes = file.nodes.map((node) => (node.id === NODE ? { ...node, httpPort, peerPort } : node));
  const config = join(cluster.directory, 'copy.config.json');
  await writeFile(config, JSON.stringify({ ...file, nodes }));
  return { node: NODE, config, data };
}

async function expectAllThere(): Promise<void> {
  for (const node of cluster.nodes) {
    const reads = { targetOf: ([target]: readonly [string, string]) => target, r: 2 };
    await readBack(cluster, node, [...written], reads, ([target, value], answer) =>
      expect([answer.status, answer.text], `${target} through ${node}`).toEqual([200, value]),
    );
  }
}

/** The node as each of the others sees it. */
async function seenByOthers(): Promise<readonly (MemberBody | undefined)[]> {
  return Promise.all(OTHERS.map(async (other) => (await cluster.membersSeenBy(other)).get(NODE)));
}

describe('a second process, on a copy of the data directory of a node that runs', () => {
  it('is refused by the others, which say why, and gets neither reads nor writes done', async () => {
    for (const node of OTHERS) {
      const lines = cluster.logs(node).split('\n');
      const refusal = lines.find((line) => line.includes('"code":"clone-refused"'));
      expect(refusal).toContain(`"peer":"${NODE}"`);
      expect(refusal).toContain(`a second process of ${NODE} or on its data, while the first one answers`);
    }
    for (const other of OTHERS) {
      await cluster.eventually('the copy knows why nobody talks to it', async () => {
        const { members } = JSON.parse((await copyClient.get('/v1/cluster')).text) as ClusterBody;
        expect(members.find(({ id }) => id === other)).toMatchObject({
          state: 'down',
          reason: expect.stringContaining(`another process is "${NODE}", and answers at its address`),
        });
      });
    }
    const target = '/v1/kv/copied/before-7';
    for (const answer of [await copyClient.get(target), await copyClient.put(target, 'by the copy')]) {
      expect([answer.status, problemIn(answer).code]).toEqual([503, 'quorum-unavailable']);
    }
  });

  it('does not disturb the first one, through which and with which everything goes on', async () => {
    const [incarnation] = (await seenByOthers()).map((member) => member?.incarnation);
    const refusals = (): number => cluster.logs('n2').split('"code":"clone-refused"').length;
    const before = refusals();
    for (const node of cluster.nodes) await writeThrough(cluster.client(node), `beside-${node}`, 20, ALL);
    await cluster.eventually('the copy has tried again', async () =>
      expect(refusals()).toBeGreaterThan(before),
    );
    for (const member of await seenByOthers()) expect(member).toMatchObject({ state: 'up', incarnation });
    expect((await cluster.client(NODE).get('/readyz')).status).toBe(200);
    await expectAllThere();
    await expectSoundStores(cluster);
    for (const node of cluster.nodes) expect(cluster.logs(node)).not.toMatch(LOSSES);
  });

  it('takes the place of the first one while that is away, until it is back, and nothing is lost by it', {
    timeout: TIME_LIMIT_MS,
  }, async () => {
    await cluster.kill9(NODE);
    await cluster.eventually('the copy is told that it is out of date', async () => {
      expect(copy.output).toContain('"code":"store-lost-something","kind":"rolled-back"');
    });
    await cluster.eventually('the copy has got back what it missed', async () => {
      const { recovery } = JSON.parse((await copyClient.get('/v1/cluster')).text) as ClusterBody;
      expect(recovery).toEqual({ partitions: 0, waitingFor: [] });
    });
    await writeThrough(copyClient, 'by-the-copy', 40);
    await writeThrough(cluster.client('n2'), 'while-away', 40);
    await cluster.restart(NODE);
    await cluster.eventually('the first one is told that another store had its place', async () => {
      expect(cluster.logs(NODE)).toContain('"code":"store-lost-something","kind":"wiped"');
    });
    await cluster.eventually('the first one has got everything back', async () => {
      const { recovery } = JSON.parse((await cluster.client(NODE).get('/v1/cluster')).text) as ClusterBody;
      expect(recovery).toEqual({ partitions: 0, waitingFor: [] });
    });
    expect((await copyClient.put('/v1/kv/copied/too-late', 'v')).status).toBe(503);
    await expectAllThere();
    await expectSoundStores(cluster, ['dot_collisions', 'unreadable_records', 'storage_failures']);
  });
});
