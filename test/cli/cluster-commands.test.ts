import { afterEach, describe, expect, it } from 'vitest';
import type { ClusterBody, InspectBody, RingBody } from '../../src/api/bodies.ts';
import { closedUrl, problemAnswer, startFakeNode, type FakeAnswer, type FakeNode } from './fake-node.ts';
import { runCommand } from './fake-terminal.ts';

const nodes: FakeNode[] = [];

afterEach(async () => {
  await Promise.all(nodes.splice(0).map((started) => started.close()));
});

async function node(
  documents: (path: string, url: string) => unknown,
  status = 200,
  date = new Date(),
): Promise<FakeNode> {
  const started = await startFakeNode((request, url): FakeAnswer => {
    const document = documents(request.path, url);
    return document === undefined
      ? problemAnswer(404, { code: 'not-found', detail: `no ${request.path}` })
      : {
          status,
          headers: { 'content-type': 'application/json', date: date.toUTCString() },
          body: JSON.stringify(document),
        };
  });
  nodes.push(started);
  return started;
}

const member = (id: string, url: string, state: 'self' | 'up' | 'down') => ({
  id,
  zone: 'z',
  url,
  peerAddress: '127.0.0.1:1',
  state,
  since: '2024-01-01T00:00:00.000Z',
});

function clusterBody(id: string, epoch: string, members: ClusterBody['members']): ClusterBody {
  const defaults = { n: 3, r: 2, w: 2 };
  const recovery = id === 'n2' ? { partitions: 7, waitingFor: ['n3'] } : { partitions: 0, waitingFor: [] };
  return {
    cluster: 'local',
    epoch,
    node: id,
    version: '1.0.0',
    defaults,
    members,
    limits: {},
    recovery,
    activity: { repairs: 12, conflicts: 3 },
  };
}

describe('status', () => {
  it('shows who is ready, who does not answer, and who sees whom down', async () => {
    const gone = await closedUrl();
    let urls: readonly string[] = [];
    const views = (id: string, epoch: string) => (path: string) =>
      path === '/readyz'
        ? { ready: id === 'n1', reasons: id === 'n1' ? [] : ['joining'] }
        : clusterBody(id, epoch, [
            member('n1', urls[0] ?? '', id === 'n1' ? 'self' : 'up'),
            member('n2', urls[1] ?? '', id === 'n2' ? 'self' : 'up'),
            {
              ...member('n3', gone, 'down'),
              ...(id === 'n1' ? { hints: { pending: 7, bytes: 700, oldestAgeSeconds: 61 } } : {}),
            },
          ]);
    const first = await node(views('n1', 'aaaa'));
    const second = await node(views('n2', 'bbbb'));
    urls = [first.url, second.url];

    const result = await runCommand(['status', '--node', first.url]);
    expect(result).toMatchObject({ exitCode: 0, stderr: '' });
    const rows = result.stdout.split('\n');
    expect(rows[0]).toContain('2 of 3 nodes answer');
    expect(rows.find((row) => row.startsWith('n1'))).toMatch(/ready .*n3 \(\d+ s\) .*n3:7 \(61 s\) +12 +3$/);
    expect(rows.find((row) => row.startsWith('n2'))).toContain('not ready: joining');
    expect(rows.find((row) => row.startsWith('n3'))).toMatch(/no answer: .*n1 n2( +-){3}$/);
    expect(result.stdout).toContain('aaaa: n1; bbbb: n2');
    expect(result.stdout).toMatch(/^n2 is recovering: .* 7 partitions are open, and it waits for n3\.$/m);
    expect(result.stdout).not.toContain('n1 is recovering');
    expect(result.stdout).not.toContain('\u001b');

    const json = await runCommand(['status', '--json', '--node', first.url]);
    const document = JSON.parse(json.stdout) as {
      nodes: readonly Record<string, unknown>[];
      warnings: string[];
    };
    expect(document.nodes.map(({ id, reachable, ready }) => [id, reachable, ready])).toEqual([
      ['n1', true, true],
      ['n2', true, false],
      ['n3', false, false],
    ]);
    expect(document.warnings).toHaveLength(1);
  });

  it('shows since when nodes are down, by the clock of who sees it, and why', async () => {
    const gone = await closedUrl();
    let urls: readonly string[] = [];
    const views = (id: string, since: string, reasons: readonly string[]) => (path: string) =>
      path === '/readyz'
        ? { ready: true, reasons: [] }
        : clusterBody(id, 'aaaa', [
            member('n1', urls[0] ?? '', id === 'n1' ? 'self' : 'up'),
            member('n2', urls[1] ?? '', id === 'n2' ? 'self' : 'up'),
            { ...member('n3', gone, 'down'), since, reason: reasons[0] ?? '' },
            { ...member('n4', gone, 'down'), since, reason: reasons[1] ?? '' },
          ]);
    const answeredAt = new Date('2024-01-01T00:02:00.000Z');
    const minuteAgo = '2024-01-01T00:00:59.000Z';
    const now = '2024-01-01T00:02:00.700Z';
    const first = await node(views('n1', minuteAgo, ['refused', 'its hello\u001b[2J']), 200, answeredAt);
    const second = await node(views('n2', now, ['refused', 'a pause']), 200, answeredAt);
    urls = [first.url, second.url];

    const { stdout } = await runCommand(['status', '--node', first.url]);
    const rows = stdout.split('\n');
    expect(rows.find((row) => row.startsWith('n1'))).toContain('n3 (61 s) n4 (61 s)');
    expect(rows.find((row) => row.startsWith('n2'))).toContain('n3 (0 s) n4 (0 s)');
    expect(rows.filter((row) => row.includes(' is down: '))).toEqual([
      'n3 is down: refused (seen by n1 n2).',
      'n4 is down: its hello\\u{1b}[2J (seen by n1).',
      'n4 is down: a pause (seen by n2).',
    ]);
  });

  it('exits 6 when no node answers', async () => {
    const result = await runCommand(['status', '--node', await closedUrl()]);
    expect(result.exitCode).toBe(6);
    expect(result.stderr).toContain('no node answered');
  });

  it('says so when something else answers', async () => {
    const stranger = await startFakeNode(() => ({ status: 200, body: '<html>' }));
    nodes.push(stranger);
    const result = await runCommand(['status', '--node', stranger.url]);
    expect(result.exitCode).toBe(6);
    expect(result.stderr).toContain('is this a Quorate node?');
  });
});

describe('asking the nodes', () => {
  const members = [member('n1', 'http://127.0.0.1:1', 'self')];

  it('goes on when a node says nothing, within the deadline of the whole', async () => {
    const silent = await startFakeNode(async () => new Promise(() => {}));
    nodes.push(silent);
    const { url } = await node(() => clusterBody('n1', 'aaaa', members));
    const words = ['status', '--json', '--timeout', '2000', '--node', silent.url, '--node', url];
    expect(await runCommand(words)).toMatchObject({ exitCode: 0 });
    const alone = await runCommand(['status', '--timeout', '40', '--node', silent.url]);
    expect(alone.exitCode).toBe(6);
    expect(alone.stderr).toContain('no answer in 40 ms');
  });

  it('goes on when a node cannot answer now, but not when it refuses', async () => {
    const draining = await startFakeNode(() =>
      problemAnswer(503, { code: 'draining', detail: 'shutting down' }),
    );
    const refusing = await startFakeNode(() =>
      problemAnswer(401, { code: 'unauthenticated', detail: 'a token is needed', hint: 'Send one.' }),
    );
    nodes.push(draining, refusing);
    const { url, requests } = await node(() => clusterBody('n1', 'aaaa', members));
    expect(await runCommand(['status', '--node', draining.url, '--node', url])).toMatchObject({
      exitCode: 0,
    });
    const asked = requests.length;
    const result = await runCommand(['status', '--node', refusing.url, '--node', url]);
    expect(result).toMatchObject({ exitCode: 1, stdout: '' });
    expect(result.stderr).toBe('quorate: a token is needed\nSend one.\n');
    expect(requests).toHaveLength(asked);
  });

  it.each([['{}'], ['[]'], ['null'], ['"text"'], ['<html>']])(
    'takes %s for no document of a node',
    async (body) => {
      const stranger = await startFakeNode(() => ({ status: 200, body }));
      nodes.push(stranger);
      for (const words of [['status'], ['ring'], ['ring', 'b', 'k'], ['inspect', 'b', 'k']]) {
        const result = await runCommand([...words, '--node', stranger.url]);
        expect(result).toMatchObject({ exitCode: 6, stdout: '' });
        expect(result.stderr).toContain('is this a Quorate node?');
      }
    },
  );
});

describe('ring', () => {
  const ring: RingBody = {
    cluster: 'local',
    epoch: 'aaaa',
    partitions: 8,
    hash: { name: 'xxh64', seed: 0 },
    nodes: ['n1', 'n2', 'n3'].map((id) => ({ id, zone: 'z', url: `http://${id}` })),
    defaults: { n: 2, r: 1, w: 2 },
    buckets: {},
    preferenceLists: Array.from({ length: 8 }, (_, p) => (p < 6 ? [0, 1, 2] : [1, 2, 0])),
  };

  it('counts what each node is first of and home of', async () => {
    const { url } = await node((path) => (path === '/v1/ring' ? ring : undefined));
    const { stdout } = await runCommand(['ring', '--json', '--node', url]);
    const document = JSON.parse(stdout) as { nodes: readonly Record<string, unknown>[] };
    expect(document.nodes.map((owner) => [owner['primaryPartitions'], owner['homePartitions']])).toEqual([
      [6, 6],
      [2, 8],
      [0, 2],
    ]);
    const table = await runCommand(['ring', '--node', url]);
    expect(table.stdout).toMatch(/n2 .*100\.0 %/);
  });

  it('shows where a key lives', async () => {
    const { url } = await node((path) => (path === '/v1/inspect/b/a%2Fb' ? inspected : undefined));
    const { stdout } = await runCommand(['ring', 'b', 'a/b', '--node', url]);
    expect(stdout).toContain('Partition 5');
    expect(stdout).toMatch(/2 +n1 +home replica/);
    expect(stdout).toMatch(/3 +n3 +fallback/);
  });
});

const inspected: InspectBody = {
  bucket: 'b',
  key: 'a/b',
  partition: 5,
  preferenceList: ['n2', 'n1', 'n3'],
  n: 2,
  agree: false,
  replicas: [
    {
      node: 'n2',
      result: 'found',
      ms: 1,
      digest: 'd2',
      siblings: [
        { id: 's1', contentType: 'text/plain', bytes: 5, writtenAt: '2024-01-01T00:00:00.000Z' },
        { id: 's2', deleted: true, writtenAt: '2024-01-01T00:00:01.000Z' },
      ],
    },
    { node: 'n1', result: 'absent', ms: 1 },
  ],
};

describe('inspect', () => {
  it('shows each replica and its siblings, and that they differ', async () => {
    const { url } = await node(() => inspected);
    const { stdout, exitCode } = await runCommand(['inspect', 'b', 'a/b', '--node', url]);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/n2 +home +found +d2 +s1 .*text\/plain +5/);
    expect(stdout).toMatch(/s2 .*\(deleted\)/);
    expect(stdout).toMatch(/n1 +home +absent/);
    expect(stdout).toContain('The home replicas differ');
  });

  it('shows what each home replica keeps of the rounds of conditional writes', async () => {
    const ballot = { time: '2024-01-01T00:00:00.000Z', counter: 7, node: 'n2' };
    const replicas = inspected.replicas.map((replica) => ({
      ...replica,
      vote:
        replica.node === 'n2'
          ? { votes: true, promised: ballot, accepted: ballot, unfinished: true }
          : { votes: false, reason: 'it has\u001b[2J lost something', unfinished: false },
    }));
    const { url } = await node(() => ({ ...inspected, replicas }));
    const { stdout } = await runCommand(['inspect', 'b', 'a/b', '--node', url]);
    const shown = '2024-01-01T00:00:00.000Z 7 n2';
    expect(stdout).toMatch(new RegExp(`n2 +yes +${shown} +${shown} +- +unfinished`));
    expect(stdout).toMatch(/n1 +no +- +- +- +-/);
    expect(stdout).toContain('n1 does not vote: it has');
    expect(stdout).not.toContain('\u001b[2J');
  });

  it('does not call it a difference when one could not be asked', async () => {
    const replicas = inspected.replicas.map((replica) =>
      replica.node === 'n1' ? { ...replica, result: 'unreachable' as const } : replica,
    );
    const { url } = await node(() => ({ ...inspected, replicas }));
    const { stdout } = await runCommand(['inspect', 'b', 'a/b', '--node', url]);
    expect(stdout).toContain('n1 is unreachable');
    expect(stdout).not.toContain('differ');
  });

  it('passes on a refusal', async () => {
    const { url } = await node(() => undefined);
    const result = await runCommand(['inspect', 'b', 'k', '--node', url]);
    expect(result).toMatchObject({ exitCode: 3, stdout: '' });
    expect(result.stderr).toContain('no /v1/inspect/b/k');
  });
});
