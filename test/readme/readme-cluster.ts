/**
 * The cluster that README.md speaks of, for its tests: the project's own configuration on free ports, and a directory that
 * looks like a checkout (package.json, the build, node_modules, cluster.config.json), so that what the blocks write does not
 * land in the real one. In a block the page's ports are replaced by the real ones, in what it prints the real ones by the
 * page's. Ports are no part of the configuration epoch, nor of placement: keys live where the page says.
 */
import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { configurationFile, type MemberLayout } from '../cluster/cluster-layout.ts';
import { freePorts } from '../cluster/free-ports.ts';
import { ProcessCluster } from '../cluster/process-cluster.ts';
import { ROOT, textOf } from '../house/project.ts';
import { ShellSession } from './shell-session.ts';

/** The directory of the build that is tested; the nodes are of it, too (../cluster/built-program.ts). */
const BUILD = dirname(dirname(process.env['QUORATE_TEST_MAIN'] ?? join(ROOT, 'dist/cli/main.js')));

export class ReadmeCluster {
  readonly cluster: ProcessCluster;
  /** By the page's port. */
  readonly #ports: ReadonlyMap<string, string>;

  constructor(cluster: ProcessCluster, ports: ReadonlyMap<string, string>) {
    this.cluster = cluster;
    this.#ports = ports;
  }

  /** Text of the page with the real ports. */
  withRealPorts(text: string): string {
    return replaceWords(text, this.#ports);
  }

  /** What was printed, with the page's ports. */
  withPagePorts(text: string): string {
    return replaceWords(text, new Map([...this.#ports].map(([page, real]) => [real, page])));
  }

  /** Environment of everything that the page starts: nothing of whoever runs the tests gets in. */
  get environment(): Readonly<Record<string, string>> {
    const { directory } = this.cluster;
    return {
      PATH: process.env['PATH'] ?? '',
      HOME: directory,
      TMPDIR: join(directory, 'tmp'),
      LC_ALL: 'C.UTF-8',
      NO_COLOR: '1',
      no_proxy: '*',
      CURL_HOME: directory,
      PIDS: join(directory, 'pids'),
    };
  }

  openShell(): ShellSession {
    return new ShellSession(this.cluster.directory, this.environment);
  }

  /** Notes which process each node is now, for the shell. */
  async notePids(): Promise<void> {
    const directory = join(this.cluster.directory, 'pids');
    await rm(directory, { recursive: true, force: true });
    await mkdir(directory);
    for (const node of this.cluster.nodes) {
      if (this.cluster.isRunning(node))
        await writeFile(join(directory, node), String(this.cluster.pid(node)));
    }
  }

  /** Waits until all others have seen that a node is gone. */
  async untilSeenDown(node: string): Promise<void> {
    const others = this.cluster.nodes.filter((other) => other !== node);
    await this.cluster.eventually(`${node} is seen down`, async () => {
      for (const other of others) {
        const state = (await this.cluster.membersSeenBy(other)).get(node)?.state;
        if (state !== 'down') throw new Error(`${other} sees ${node} ${state ?? 'not at all'}`);
      }
    });
  }
}

interface ProjectConfiguration {
  readonly nodes: readonly { readonly id: string; readonly httpPort: number; readonly peerPort: number }[];
}

/** Starts it and waits until all nodes are ready. `close` of the cluster removes everything. */
export async function startReadmeCluster(): Promise<ReadmeCluster> {
  const project = JSON.parse(textOf('cluster.config.json')) as ProjectConfiguration;
  const pagePorts = project.nodes.flatMap(({ httpPort, peerPort }) => [String(httpPort), String(peerPort)]);
  const realPorts = await freePorts(pagePorts.length);
  const ports = new Map(pagePorts.map((page, index) => [page, String(realPorts[index])]));
  const real = (port: number): number => Number(ports.get(String(port)));
  const members = project.nodes.map(({ id, httpPort, peerPort }): MemberLayout => {
    return { id, httpPort: real(httpPort), peerPort: real(peerPort) };
  });
  const directory = await mkdtemp(join(tmpdir(), 'quorate-readme-'));
  const cluster = new ProcessCluster({ directory, members, proxies: new Map() }, {});
  try {
    await furnish(directory);
    const configuration = replaceWords(textOf('cluster.config.json'), ports);
    await writeFile(join(directory, 'cluster.config.json'), configuration);
    for (const { id } of members) await writeFile(configurationFile(directory, id), configuration);
    cluster.start(...cluster.nodes);
    await cluster.waitReady();
  } catch (error) {
    await cluster.close();
    throw error;
  }
  return new ReadmeCluster(cluster, ports);
}

async function furnish(directory: string): Promise<void> {
  for (const name of ['data', 'tmp']) await mkdir(join(directory, name));
  await copyFile(join(ROOT, 'package.json'), join(directory, 'package.json'));
  await symlink(BUILD, join(directory, 'dist'), 'dir');
  await symlink(join(ROOT, 'node_modules'), join(directory, 'node_modules'), 'dir');
  // Without a terminal curl shows its progress; with one it does not.
  await writeFile(join(directory, '.curlrc'), 'silent\nshow-error\nmax-time = 30\n');
}

function replaceWords(text: string, words: ReadonlyMap<string, string>): string {
  return text.replaceAll(/\b\d{4,5}\b/g, (word) => words.get(word) ?? word);
}
