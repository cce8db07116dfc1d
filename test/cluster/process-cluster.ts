/**
 * A cluster of real node processes on this machine, to be talked to, killed, stopped and cut apart. Where its files, ports and
 * links lie is in cluster-layout.ts.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ClusterBody } from '../../src/api/bodies.ts';
import { HttpClient } from '../server/http/http-client.ts';
import {
  type ClusterLayout,
  configurationFile,
  layOutCluster,
  linkName,
  type MemberLayout,
} from './cluster-layout.ts';
import type { LinkProxy } from './link-proxy.ts';
import { NodeProcess, type ProcessEnd, type ServeArguments } from './node-process.ts';

/** Milliseconds that a cluster may take to be what a test waits for. */
const WAIT_LIMIT_MS = 30_000;
const POLL_INTERVAL_MS = 50;

export interface ProcessClusterOptions {
  /** Number of nodes, 3 if not set. They are called n1, n2, … */
  readonly nodes?: number;
  /** Whether the connections between nodes can be cut, slowed down and stalled. */
  readonly links?: boolean;
  /** Further members of the configuration, such as `buckets` or `limits`. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Further environment of every node, or of each. */
  readonly environment?:
    | Readonly<Record<string, string>>
    | ((node: string) => Readonly<Record<string, string>>);
}

/** What is between two nodes, one way: on the connections of both. */
export interface Link {
  /** Bytes are lost silently. */
  stall(): void;
  delay(delayMs: number): void;
  heal(): void;
}

interface Member extends MemberLayout {
  readonly client: HttpClient;
  process: NodeProcess | undefined;
}

/** There is no use in waiting any longer. */
class NodeEnded extends Error {
  override readonly name = 'NodeEnded';
}

export class ProcessCluster {
  /** Holds the data, and the configuration files. */
  readonly directory: string;
  readonly #options: ProcessClusterOptions;
  readonly #members: ReadonlyMap<string, Member>;
  readonly #proxies: ReadonlyMap<string, LinkProxy>;

  constructor(layout: ClusterLayout, options: ProcessClusterOptions) {
    this.directory = layout.directory;
    this.#options = options;
    this.#members = new Map(
      layout.members.map((member) => [
        member.id,
        { ...member, client: new HttpClient(member.httpPort), process: undefined },
      ]),
    );
    this.#proxies = layout.proxies;
  }

  /** Ids of all nodes. */
  get nodes(): readonly string[] {
    return [...this.#members.keys()];
  }

  get dataDirectory(): string {
    return join(this.directory, 'data');
  }

  /** Base URL of a node's HTTP API. */
  url(node: string): string {
    return `http://127.0.0.1:${this.#member(node).httpPort}`;
  }

  /** Talks to a node's HTTP API. */
  client(node: string): HttpClient {
    return this.#member(node).client;
  }

  ports(node: string): { readonly http: number; readonly peer: number } {
    const { httpPort, peerPort } = this.#member(node);
    return { http: httpPort, peer: peerPort };
  }

  /** The process id of a running node. */
  pid(node: string): number {
    return this.#running(node).pid;
  }

  /** Whether a node was started and has not ended. */
  isRunning(node: string): boolean {
    const { process } = this.#member(node);
    return process !== undefined && process.end === undefined;
  }

  /** Everything that a node wrote since it was started last. */
  logs(node: string): string {
    return this.#member(node).process?.output ?? '';
  }

  /** What a node's `serve` is told; another program can be told the same. */
  serveArguments(node: string): ServeArguments {
    return { node, config: configurationFile(this.directory, node), data: this.dataDirectory };
  }

  /** Starts nodes that are not running. */
  start(...nodes: readonly string[]): void {
    for (const node of nodes) {
      const member = this.#member(node);
      if (member.process !== undefined && member.process.end === undefined) throw new Error(`${node} runs`);
      const { environment } = this.#options;
      const own = typeof environment === 'function' ? environment(node) : environment;
      member.process = new NodeProcess(this.serveArguments(node), own);
    }
  }

  /** SIGKILL; resolves when the process is gone. */
  async kill9(...nodes: readonly string[]): Promise<void> {
    await Promise.all(nodes.map((node) => this.#running(node).kill9()));
  }

  /** SIGTERM; resolves with how the process ended. */
  async terminate(node: string): Promise<ProcessEnd> {
    const running = this.#running(node);
    running.signal('SIGTERM');
    return running.ended;
  }

  /** SIGSTOP: connections stay open, nothing is answered. */
  stop(node: string): void {
    this.#running(node).signal('SIGSTOP');
  }

  /** SIGCONT after `stop`. */
  cont(node: string): void {
    this.#running(node).signal('SIGCONT');
  }

  /** Starts a node again, and waits until it serves and is connected to the others that run. */
  async restart(node: string): Promise<void> {
    this.start(node);
    await this.waitReady();
  }

  /** Waits until these nodes (all that run, if none are named) serve and are connected to each other. */
  async waitReady(...nodes: readonly string[]): Promise<void> {
    const awaited = nodes.length > 0 ? nodes : this.nodes.filter((node) => this.isRunning(node));
    await this.eventually('all nodes are ready', async () => {
      for (const node of awaited) this.assertNotEnded(node);
      for (const node of awaited) await this.#assertReady(node, awaited);
    });
  }

  /**
   * Runs a check again and again until it does not throw, and gives what it returns. After 30 seconds, or `limitMs`, the test
   * fails with the check's own error; at once where a node has ended that is waited for.
   */
  async eventually<Result>(
    what: string,
    check: () => Promise<Result>,
    limitMs: number = WAIT_LIMIT_MS,
  ): Promise<Result> {
    const deadlineMs = performance.now() + limitMs;
    for (;;) {
      try {
        return await check();
      } catch (error) {
        if (error instanceof NodeEnded) throw error;
        if (performance.now() > deadlineMs)
          throw new Error(`not within ${limitMs} ms: ${what}`, { cause: error });
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_INTERVAL_MS));
    }
  }

  /** How the members look from one node. */
  async membersSeenBy(node: string): Promise<ReadonlyMap<string, ClusterBody['members'][number]>> {
    const { members } = JSON.parse((await this.client(node).get('/v1/cluster')).text) as ClusterBody;
    return new Map(members.map((member) => [member.id, member]));
  }

  /** What carries bytes from one node to another. Only with `links`. */
  link(from: string, to: string): Link {
    const directions = [this.#proxy(from, to).there, this.#proxy(to, from).back];
    return {
      stall: () => {
        for (const direction of directions) direction.stall();
      },
      delay: (delayMs) => {
        for (const direction of directions) direction.delay(delayMs);
      },
      heal: () => {
        for (const direction of directions) direction.heal();
      },
    };
  }

  /** Resets every connection between two nodes until `healLinks`. Only with `links`. */
  cut(one: string, other: string): void {
    this.#proxy(one, other).cut();
    this.#proxy(other, one).cut();
  }

  /** Cuts a node off from all others. */
  isolate(node: string): void {
    for (const other of this.nodes) if (other !== node) this.cut(node, other);
  }

  /** Ends everything that is wrong between nodes. */
  healLinks(): void {
    for (const proxy of this.#proxies.values()) proxy.heal();
  }

  /** Kills what runs, and removes all files. */
  async close(): Promise<void> {
    const members = [...this.#members.values()];
    for (const { client } of members) client.close();
    await Promise.all(members.map(async ({ process }) => process?.kill9()));
    await Promise.all([...this.#proxies.values()].map((proxy) => proxy.close()));
    await rm(this.directory, { recursive: true, force: true });
  }

  /** Throws for a node that was started and has ended: there is no use in waiting for it. */
  assertNotEnded(node: string): void {
    const { process } = this.#member(node);
    if (process?.end !== undefined) throw new NodeEnded(`${node} has ended:\n${process.output}`);
  }

  async #assertReady(node: string, others: readonly string[]): Promise<void> {
    const { client } = this.#member(node);
    const { status, text } = await client.get('/readyz');
    if (status !== 200) throw new Error(`${node} is not ready: ${text}`);
    const members = await this.membersSeenBy(node);
    for (const other of others) {
      const member = members.get(other);
      if (member?.state === 'down')
        throw new Error(`${node} sees ${other} down: ${member.reason ?? 'no reason'}`);
    }
  }

  #running(node: string): NodeProcess {
    const { process } = this.#member(node);
    if (process === undefined || process.end !== undefined) throw new Error(`${node} does not run`);
    return process;
  }

  #member(node: string): Member {
    const member = this.#members.get(node);
    if (member === undefined) throw new Error(`there is no node ${node}`);
    return member;
  }

  #proxy(from: string, to: string): LinkProxy {
    const proxy = this.#proxies.get(linkName(from, to));
    if (proxy === undefined)
      throw new Error(`no link ${linkName(from, to)}: was the cluster started with links?`);
    return proxy;
  }
}

/** Starts a cluster and waits until all nodes are ready. Nothing is left behind if that fails. */
export async function startProcessCluster(options: ProcessClusterOptions = {}): Promise<ProcessCluster> {
  const cluster = await createProcessCluster(options);
  try {
    cluster.start(...cluster.nodes);
    await cluster.waitReady();
    return cluster;
  } catch (error) {
    await cluster.close();
    throw error;
  }
}

/** A cluster of which no node was started yet. */
export async function createProcessCluster(options: ProcessClusterOptions = {}): Promise<ProcessCluster> {
  const { nodes = 3, links = false, config = {} } = options;
  return new ProcessCluster(await layOutCluster({ nodes, links, config }), options);
}
