import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  startLocalCluster,
  type ClusterEvents,
  type LocalCluster,
  type LocalClusterOptions,
} from '../../src/cli/cluster/local-cluster.ts';

/** Stands for the command line: says its pid, then does what its behaviour (named like the node) says. */
const SCRIPT = `
const id = process.argv[process.argv.indexOf('--node') + 1];
setInterval(() => {}, 1000);
if (id === 'stubborn') process.on('SIGTERM', () => console.log('{"id":"stubborn","heard":true}'));
else process.on('SIGTERM', () => process.exit(0));
process.on('disconnect', () => process.exit(0));
console.log(JSON.stringify({ id, pid: process.pid, args: process.argv.slice(2), connected: process.connected }));
if (id === 'refused') process.exit(78);
`;

interface Happening {
  readonly event: string;
  readonly nodeId?: string;
  readonly detail?: unknown;
}

/** Keeps events, and lets a test wait for one. */
class Happenings {
  readonly all: Happening[] = [];
  #wake: () => void = () => {};

  readonly events: ClusterEvents = {
    line: (nodeId, line) => this.#add({ event: 'line', nodeId, detail: JSON.parse(line) as unknown }),
    ended: (nodeId, end, facts) => this.#add({ event: 'ended', nodeId, detail: { ...end, ...facts } }),
    slow: (waiting) => this.#add({ event: 'slow', detail: waiting }),
    ready: (readyIds) => this.#add({ event: 'ready', detail: readyIds }),
    stopping: () => this.#add({ event: 'stopping' }),
    killing: (nodeIds) => this.#add({ event: 'killing', detail: nodeIds }),
  };

  #add(happening: Happening): void {
    this.all.push(happening);
    this.#wake();
  }

  find(event: string, nodeId?: string): readonly Happening[] {
    return this.all.filter((one) => one.event === event && (nodeId === undefined || one.nodeId === nodeId));
  }

  async waitFor(event: string, nodeId?: string, count = 1): Promise<Happening> {
    for (;;) {
      const found = this.find(event, nodeId)[count - 1];
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async pidOf(nodeId: string, count = 1): Promise<number> {
    const { detail } = await this.waitFor('line', nodeId, count);
    return (detail as { pid: number }).pid;
  }
}

let directory: string;
let happenings: Happenings;
const clusters: LocalCluster[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'quorate-cluster-'));
  await writeFile(join(directory, 'fake.cjs'), SCRIPT);
  happenings = new Happenings();
});

afterEach(async () => {
  for (const cluster of clusters.splice(0)) {
    cluster.stop();
    cluster.stop();
    await cluster.ended;
  }
  await rm(directory, { recursive: true });
});

function start(nodeIds: readonly string[], options: Partial<LocalClusterOptions> = {}): LocalCluster {
  const cluster = startLocalCluster({
    nodeIds,
    launch: { program: process.execPath, arguments: [join(directory, 'fake.cjs')] },
    serveArguments: (nodeId) => ['--node', nodeId],
    environment: process.env,
    workingDirectory: directory,
    restart: false,
    // One that will be refused is never ready, however long its process takes to end.
    unreadiness: async (nodeId) =>
      nodeId !== 'refused' && happenings.find('line', nodeId).length > 0 ? undefined : ['starting'],
    events: happenings.events,
    ...options,
  });
  clusters.push(cluster);
  return cluster;
}

describe('a local cluster', () => {
  it('starts all nodes, says when they are ready, and stops them', async () => {
    const cluster = start(['n1', 'n2']);
    expect((await happenings.waitFor('ready')).detail).toEqual(['n1', 'n2']);
    const line = await happenings.waitFor('line', 'n2');
    expect(line.detail).toMatchObject({
      args: ['serve', '--node', 'n2', '--exit-with-parent'],
      connected: true,
    });
    cluster.stop();
    expect(await cluster.ended).toBe(0);
    expect(happenings.find('ended')).toEqual([]);
    expect(happenings.find('killing')).toEqual([]);
  });

  it('goes on when a node is killed, and does not start it again', async () => {
    const cluster = start(['n1', 'n2']);
    await happenings.waitFor('ready');
    process.kill(await happenings.pidOf('n1'), 'SIGKILL');
    const ended = await happenings.waitFor('ended', 'n1');
    expect(ended.detail).toEqual({ exitCode: null, signal: 'SIGKILL', running: 1, restarting: false });
    cluster.stop();
    expect(await cluster.ended).toBe(0);
    expect(happenings.find('line', 'n1')).toHaveLength(1);
  });

  it('has failed when all nodes have ended', async () => {
    const cluster = start(['n1', 'n2']);
    await happenings.waitFor('ready');
    process.kill(await happenings.pidOf('n1'), 'SIGKILL');
    process.kill(await happenings.pidOf('n2'), 'SIGTERM');
    expect(await cluster.ended).toBe(1);
  });

  it('ends with the code for configuration when that was refused', async () => {
    expect(await start(['refused']).ended).toBe(78);
    expect(happenings.find('ready')).toEqual([]);
  });

  it('is ready without a node that ended at once', async () => {
    start(['refused', 'n2']);
    expect((await happenings.waitFor('ready')).detail).toEqual(['n2']);
  });

  it('starts a node again only when asked to, and never one whose configuration was refused', async () => {
    start(['n1', 'refused'], { restart: true });
    process.kill(await happenings.pidOf('n1'), 'SIGKILL');
    const ended = await happenings.waitFor('ended', 'n1');
    expect(ended.detail).toMatchObject({ restarting: true });
    const again = await happenings.pidOf('n1', 2);
    expect(again).not.toBe(await happenings.pidOf('n1'));
    expect(happenings.find('line', 'refused')).toHaveLength(1);
  });

  it('kills a node that does not end, and stops all the same', async () => {
    const cluster = start(['stubborn', 'n2'], { stopTimeoutMs: 200 });
    await happenings.waitFor('ready');
    cluster.stop();
    expect((await happenings.waitFor('killing')).detail).toEqual(['stubborn']);
    expect(await cluster.ended).toBe(0);
  });

  it('kills at once when it is told to stop twice', async () => {
    const cluster = start(['stubborn'], { stopTimeoutMs: 60_000 });
    await happenings.waitFor('ready');
    cluster.stop();
    cluster.stop();
    expect(await cluster.ended).toBe(0);
  });

  it('ends with code 1 when the program cannot be started', async () => {
    const cluster = start(['n1'], {
      launch: { program: join(directory, 'no-such-program'), arguments: [] },
      events: { ...happenings.events, line: () => {} },
    });
    expect(await cluster.ended).toBe(1);
  });
});
