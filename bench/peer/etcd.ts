/** A cluster of three etcd processes on loopback, on free ports, with data of its own, as Debian's etcd-server installs it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePorts } from '../../test/cluster/free-ports.ts';

const NODE_COUNT = 3;
const READY_TIMEOUT_MS = 30_000;
const READY_POLL_MS = 100;
const STOP_TIMEOUT_MS = 5_000;
const KEPT_CHARACTERS = 2_000;

/** The running cluster. */
export interface EtcdCluster {
  /** The leader's comes first. */
  readonly urls: readonly string[];
  readonly processes: Readonly<Record<string, number>>;
  /** Throws, with its last output, if a process has ended. */
  readonly assertRunning: () => void;
  readonly stop: () => Promise<void>;
}

/** Where it is installed, by the PATH; undefined if it is not. */
export function findEtcd(): string | undefined {
  return (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((directory) => join(directory, 'etcd'))
    .find((file) => isExecutable(file));
}

/** Starts it with its defaults: every write is in the synced log of a majority before it is answered. */
export async function startEtcd(
  program: string,
  directory: string,
  signal: AbortSignal,
): Promise<EtcdCluster> {
  await mkdir(directory, { recursive: true });
  const ports = await freePorts(NODE_COUNT * 2);
  const members = Array.from({ length: NODE_COUNT }, (_, index) => ({
    name: `etcd${index + 1}`,
    url: `http://127.0.0.1:${ports[index * 2]}`,
    peerUrl: `http://127.0.0.1:${ports[index * 2 + 1]}`,
  }));
  const cluster = members.map(({ name, peerUrl }) => `${name}=${peerUrl}`).join(',');
  const processes = members.map(
    (member) => new EtcdProcess(program, { ...member, cluster, dataDirectory: join(directory, member.name) }),
  );
  const urls = members.map(({ url }) => url);
  const etcd: EtcdCluster = {
    urls,
    processes: Object.fromEntries(processes.map(({ name, pid }) => [name, pid])),
    assertRunning: () => processes.forEach((process) => process.assertRunning()),
    stop: async () => {
      await Promise.all(processes.map((process) => process.stop()));
    },
  };
  try {
    await awaitHealthy(etcd, signal);
    return { ...etcd, urls: await leaderFirst(urls) };
  } catch (error) {
    await etcd.stop();
    throw error;
  }
}

class EtcdProcess {
  readonly name: string;
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  #output = '';

  constructor(
    program: string,
    options: {
      readonly name: string;
      readonly url: string;
      readonly peerUrl: string;
      readonly cluster: string;
      readonly dataDirectory: string;
    },
  ) {
    const { name, url, peerUrl, cluster, dataDirectory } = options;
    this.name = name;
    const flags = {
      name,
      'data-dir': dataDirectory,
      'listen-client-urls': url,
      'advertise-client-urls': url,
      'listen-peer-urls': peerUrl,
      'initial-advertise-peer-urls': peerUrl,
      'initial-cluster': cluster,
      'initial-cluster-state': 'new',
      'log-level': 'warn',
      'enable-v2': 'true',
    };
    this.#child = spawn(
      program,
      Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`),
      // A group of its own: Ctrl-C is for the bench, which stops it in order.
      { stdio: ['ignore', 'pipe', 'pipe'], detached: true },
    );
    this.#ended = Promise.race([once(this.#child, 'exit'), once(this.#child, 'error')]);
    // Whatever ends the bench, nothing is left behind.
    process.once('exit', () => this.#child.kill('SIGKILL'));
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.#output = (this.#output + chunk.toString()).slice(-KEPT_CHARACTERS);
      });
    }
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  assertRunning(): void {
    if (this.#child.pid !== undefined && this.#child.exitCode === null && this.#child.signalCode === null)
      return;
    throw new Error(`${this.name} ended:\n${this.#output}`);
  }

  async stop(): Promise<void> {
    if (this.#child.pid === undefined || this.#child.exitCode !== null || this.#child.signalCode !== null)
      return;
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await this.#ended;
    clearTimeout(timer);
  }
}

async function awaitHealthy(etcd: EtcdCluster, signal: AbortSignal): Promise<void> {
  const deadlineMs = performance.now() + READY_TIMEOUT_MS;
  for (;;) {
    signal.throwIfAborted();
    etcd.assertRunning();
    const healthy = await Promise.all(etcd.urls.map(isHealthy));
    if (healthy.every(Boolean)) return;
    if (performance.now() > deadlineMs) throw new Error(`etcd is not healthy within ${READY_TIMEOUT_MS} ms`);
    await delay(READY_POLL_MS);
  }
}

/** Others hand on to it whatever they are asked, so whoever asks one node asks it at its best. */
async function leaderFirst(urls: readonly string[]): Promise<readonly string[]> {
  const leads = await Promise.all(
    urls.map(async (url) => {
      const answer = await fetch(`${url}/v3/maintenance/status`, { method: 'POST', body: '{}' });
      const status = (await answer.json()) as {
        readonly header?: { readonly member_id?: string };
        readonly leader?: string;
      };
      return status.leader !== undefined && status.leader === status.header?.member_id;
    }),
  );
  const isLeader = (index: number): boolean => leads[index] === true;
  return [...urls.filter((_, index) => isLeader(index)), ...urls.filter((_, index) => !isLeader(index))];
}

async function isHealthy(url: string): Promise<boolean> {
  try {
    const answer = await fetch(`${url}/health`, { signal: AbortSignal.timeout(1_000) });
    return (await answer.text()).includes('true');
  } catch {
    return false;
  }
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
