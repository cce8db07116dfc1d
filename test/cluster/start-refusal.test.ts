/**
 * Starts that have to be refused: each ends by itself with the exit code of the contract and says what is wrong and what to
 * do, and the data that are there stay as they are.
 */
import { once } from 'node:events';
import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { serveToEnd } from './node-process.ts';
import { type ProcessCluster, startProcessCluster } from './process-cluster.ts';

const CONFIGURATION_ERROR = 78;
const FAILED = 1;

interface ConfigurationFile {
  cluster: string;
  partitions: number;
  nodes: { id: string; host: string; httpPort: number; peerPort: number; zone: string }[];
  defaults?: object;
  buckets?: object;
}

const NEW_MEMBER = { id: 'n9', host: '127.0.0.1', httpPort: 9998, peerPort: 9999, zone: 'z9' };

let cluster: ProcessCluster;
beforeAll(async () => {
  cluster = await startProcessCluster();
  await cluster.client('n1').put('/v1/kv/b/k', 'kept', { 'Quorate-Consistency': 'all' });
});
afterAll(() => cluster?.close());

/** Writes a changed copy of a node's configuration, and gives its path. */
async function changedConfiguration(
  node: string,
  change: (file: ConfigurationFile) => void,
): Promise<string> {
  const file = JSON.parse(await readFile(cluster.serveArguments(node).config, 'utf8')) as ConfigurationFile;
  change(file);
  const path = join(cluster.directory, 'changed.config.json');
  await writeFile(path, JSON.stringify(file));
  return path;
}

/** Proves that a node's data are as they were: it starts on them, and has them. */
async function expectDataKept(node: string): Promise<void> {
  await cluster.restart(node);
  expect((await cluster.client(node).get('/v1/kv/b/k', { 'Quorate-R': '1' })).text).toBe('kept');
}

describe('a data directory', () => {
  const NODE = 'n3';

  beforeAll(() => cluster.kill9(NODE));
  afterAll(() => expectDataKept(NODE));

  it.each<[string, (file: ConfigurationFile) => void]>([
    ['the number of partitions', (file) => void (file.partitions = 128)],
    ['the default N', (file) => void (file.defaults = { n: 2, r: 2, w: 2 })],
    ['the N of a bucket', (file) => void (file.buckets = { b: { n: 1, r: 1, w: 1 } })],
    ['the mode of a bucket', (file) => void (file.buckets = { b: { mode: 'cas' } })],
    ['the zone of a node', (file) => void ((file.nodes[0] as { zone: string }).zone = 'elsewhere')],
    ['the members', (file) => void file.nodes.splice(0, 1)],
    ['a member that is new', (file) => void file.nodes.push(NEW_MEMBER)],
  ])('is not served under another placement: %s changed', async (_what, change) => {
    const config = await changedConfiguration(NODE, (file) => {
      change(file);
      file.defaults ??= { n: Math.min(3, file.nodes.length), r: 2, w: 2 };
    });
    const { exitCode, output } = await serveToEnd({ ...cluster.serveArguments(NODE), config });
    expect(output).toContain('placed under another configuration');
    expect(exitCode).toBe(CONFIGURATION_ERROR);
  });

  it('is served where only what does not place data has changed', async () => {
    const config = await changedConfiguration(NODE, (file) => {
      file.nodes.reverse();
      file.defaults = { n: 3, r: 1, w: 3 };
    });
    await cp(config, cluster.serveArguments(NODE).config);
    await cluster.restart(NODE);
    const put = await cluster.client(NODE).put('/v1/kv/b/other', 'v');
    expect(put.headers['quorate-quorum']).toMatch(/^n=3, w=3/);
    await cluster.kill9(NODE);
  });

  it('of another cluster is not served', async () => {
    const config = await changedConfiguration(NODE, (file) => void (file.cluster = 'another'));
    const { exitCode, output } = await serveToEnd({ ...cluster.serveArguments(NODE), config });
    expect(output).toContain('belongs to node "n3" of cluster "test"');
    expect(exitCode).toBe(CONFIGURATION_ERROR);
  });

  it('of another node is not served', async () => {
    const data = join(cluster.directory, 'swapped');
    await mkdir(data);
    await cp(join(cluster.dataDirectory, NODE), join(data, 'n1'), { recursive: true });
    const { exitCode, output } = await serveToEnd({ ...cluster.serveArguments('n1'), data });
    expect(output).toContain('belongs to node "n3"');
    expect(exitCode).toBe(CONFIGURATION_ERROR);
  });

  it('with the files of something else is not written to', async () => {
    const data = join(cluster.directory, 'occupied');
    await mkdir(join(data, NODE), { recursive: true });
    await writeFile(join(data, NODE, 'holiday.jpg'), 'a picture');
    const { exitCode, output } = await serveToEnd({ ...cluster.serveArguments(NODE), data });
    expect(output).toContain('holiday.jpg');
    expect(exitCode).toBe(CONFIGURATION_ERROR);
    expect(await readdir(join(data, NODE))).toEqual(['holiday.jpg']);
  });

  it('that is a file is refused', async () => {
    const data = join(cluster.directory, 'blocked');
    await mkdir(data);
    await writeFile(join(data, NODE), 'no directory');
    const { exitCode, output } = await serveToEnd({ ...cluster.serveArguments(NODE), data });
    expect(output).toContain(join(data, NODE));
    expect(exitCode).toBe(CONFIGURATION_ERROR);
  });

  it('that is damaged is refused, and as good as before when the damage is undone', async () => {
    const current = join(cluster.dataDirectory, NODE, 'CURRENT');
    await rename(current, `${current}.aside`);
    await writeFile(current, 'MANIFEST-999999\n');
    const { exitCode, output } = await serveToEnd(cluster.serveArguments(NODE));
    await rm(current);
    await rename(`${current}.aside`, current);
    expect(output).toContain(join(cluster.dataDirectory, NODE));
    expect(exitCode).toBe(CONFIGURATION_ERROR);
  });

  it('that another process has open is refused, and goes on there', async () => {
    const { exitCode, output } = await serveToEnd(cluster.serveArguments('n1'));
    expect(output).toContain(join(cluster.dataDirectory, 'n1'));
    expect(output).toMatch(/another process|in use|locked/i);
    expect(exitCode).toBe(CONFIGURATION_ERROR);
    expect((await cluster.client('n1').get('/v1/kv/b/k')).text).toBe('kept');
  });
});

describe('a port that is in use', () => {
  const NODE = 'n2';
  let occupant: Server;
  beforeAll(() => cluster.kill9(NODE));
  afterEach(async () => {
    occupant.close();
    await once(occupant, 'close');
  });
  afterAll(() => expectDataKept(NODE));

  it.each(['http', 'peer'] as const)('stops the start, and is named: %s', async (purpose) => {
    const port = cluster.ports(NODE)[purpose];
    // The other nodes dial the peer port all the time.
    occupant = createServer((socket) => socket.destroy());
    occupant.listen(port, '127.0.0.1');
    await once(occupant, 'listening');
    const { exitCode, output } = await serveToEnd(cluster.serveArguments(NODE));
    expect(output).toContain(`127.0.0.1:${port}`);
    expect(output).toContain('in use');
    expect(exitCode).toBe(FAILED);
  });
});

describe('a configuration', () => {
  it('that is missing, or has mistakes, stops the start with all of them', async () => {
    const missing = await serveToEnd({
      ...cluster.serveArguments('n1'),
      config: join(cluster.directory, 'none.json'),
    });
    expect([missing.exitCode, missing.output]).toEqual([
      CONFIGURATION_ERROR,
      expect.stringContaining('none.json'),
    ]);
    const config = await changedConfiguration('n1', (file) => {
      file.partitions = 100;
      file.defaults = { n: 4, r: 0, w: 2 };
      Object.assign(file, { partitons: 64 });
    });
    const { exitCode, output } = await serveToEnd({ ...cluster.serveArguments('n1'), config });
    expect(exitCode).toBe(CONFIGURATION_ERROR);
    for (const path of ['partitions', 'partitons', 'defaults.n', 'defaults.r'])
      expect(output).toContain(path);
    expect(output).toContain('Did you mean "partitions"?');
  });

  it('without the node that is asked for stops the start with those there are', async () => {
    const { exitCode, output } = await serveToEnd({ ...cluster.serveArguments('n1'), node: 'n7' });
    expect(exitCode).toBe(CONFIGURATION_ERROR);
    expect(output).toContain('n1, n2, n3');
  });
});

describe('a node with another configuration than the others', () => {
  const NODE = 'n3';

  it('is refused by each of them with the reason, and neither side serves the other', async () => {
    await cluster.kill9(NODE);
    const own = cluster.serveArguments(NODE);
    const before = await readFile(own.config);
    const config = await changedConfiguration(
      NODE,
      (file) => void (file.buckets = { b: { n: 2, r: 2, w: 2 } }),
    );
    // On empty directories nothing tells the node that it is wrong, except its peers.
    const aside = join(cluster.directory, 'aside');
    await rename(join(cluster.dataDirectory, NODE), aside);
    await cp(config, own.config);
    cluster.start(NODE);
    await cluster.eventually('both sides say why', async () => {
      for (const [node, other] of [
        ['n1', NODE],
        ['n2', NODE],
        [NODE, 'n1'],
      ] as const) {
        const member = (await cluster.membersSeenBy(node)).get(other);
        expect(member?.state).toBe('down');
        expect(member?.reason).toMatch(/configuration/);
      }
    });
    // The two that agree go on; the one that does not cannot reach anybody.
    expect((await cluster.client('n1').get('/v1/kv/b/k')).text).toBe('kept');
    expect((await cluster.client(NODE).put('/v1/kv/b/k', 'wrong')).status).toBe(503);
    expect((await cluster.client('n1').get('/metrics')).text).toMatch(
      /^quorate_hellos_refused_total\{.*\} [1-9]/m,
    );
    await cluster.kill9(NODE);
    await rm(join(cluster.dataDirectory, NODE), { recursive: true });
    await rename(aside, join(cluster.dataDirectory, NODE));
    await writeFile(own.config, before);
    await expectDataKept(NODE);
  });
});
