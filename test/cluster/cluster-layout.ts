/**
 * Where a cluster of processes lies: free ports of this machine, and a temporary directory with a configuration file for each
 * node and the data of all. With `links`, every connection between two nodes goes through a proxy of its own (link-proxy.ts):
 * in a node's file the peer ports of the others are those of the proxies that lead there. Ports are not part of the
 * configuration epoch, so the nodes take each other for members of one cluster.
 */
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from './free-ports.ts';
import { type LinkProxy, startLinkProxy } from './link-proxy.ts';

export interface MemberLayout {
  readonly id: string;
  readonly httpPort: number;
  readonly peerPort: number;
}

export interface ClusterLayout {
  readonly directory: string;
  readonly members: readonly MemberLayout[];
  /** By linkName; empty without links. */
  readonly proxies: ReadonlyMap<string, LinkProxy>;
}

interface LayoutOptions {
  readonly nodes: number;
  readonly links: boolean;
  /** Further members of the configuration. */
  readonly config: Readonly<Record<string, unknown>>;
}

/** Takes ports, starts proxies and writes configuration files. */
export async function layOutCluster({ nodes, links, config }: LayoutOptions): Promise<ClusterLayout> {
  const ports = [...(await freePorts(2 * nodes + (links ? nodes * (nodes - 1) : 0)))];
  const takePort = (): number => ports.pop() as number;
  const members = Array.from({ length: nodes }, (_, index) => ({
    id: `n${index + 1}`,
    httpPort: takePort(),
    peerPort: takePort(),
  }));
  const proxies = new Map<string, LinkProxy>();
  for (const [from, to] of links ? pairs(members) : []) {
    proxies.set(linkName(from.id, to.id), await startLinkProxy(takePort(), to.peerPort));
  }
  const directory = await mkdtemp(join(tmpdir(), 'quorate-cluster-'));
  for (const { id } of members) {
    const file = configurationOf(id, members, proxies, config);
    await writeFile(configurationFile(directory, id), JSON.stringify(file, undefined, 2));
  }
  return { directory, members, proxies };
}

/** The file that a node is started with. */
export function configurationFile(directory: string, node: string): string {
  return join(directory, `${node}.config.json`);
}

/** The name of the proxy through which one node dials another. */
export function linkName(from: string, to: string): string {
  return `${from}->${to}`;
}

/** The configuration as one node reads it: its own ports are the real ones, the others' peer ports those of its links. */
function configurationOf(
  self: string,
  members: readonly MemberLayout[],
  proxies: ReadonlyMap<string, LinkProxy>,
  more: Readonly<Record<string, unknown>>,
): object {
  return {
    cluster: 'test',
    partitions: 64,
    ...more,
    nodes: members.map(({ id, httpPort, peerPort }, index) => ({
      id,
      host: '127.0.0.1',
      httpPort,
      peerPort: proxies.get(linkName(self, id))?.port ?? peerPort,
      zone: `z${index + 1}`,
    })),
  };
}

function pairs(
  members: readonly MemberLayout[],
): readonly (readonly [from: MemberLayout, to: MemberLayout])[] {
  return members.flatMap((from) => members.flatMap((to) => (from === to ? [] : [[from, to] as const])));
}
