/** `quorate serve` as a process: how it ends, and what its exit code says. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type NodeProcess, type ProcessEnd, startNodeProcess } from '../../src/cli/cluster/node-process.ts';
import { freePorts } from '../cluster/free-ports.ts';
import { HttpClient } from '../server/http/http-client.ts';

/** The built program, or another build of it. */
const MAIN =
  process.env['QUORATE_TEST_MAIN'] ?? fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const DIRECT = [process.execPath, MAIN];
/** Files that it writes end at 2 MiB, with an error instead of a signal: a full disk. */
const ON_A_FULL_DISK = ['sh', '-c', 'trap "" XFSZ; ulimit -f 4096; exec "$@"', 'sh', ...DIRECT];
const TARGET = '/v1/kv/b/k';

let directory: string;
let file: string;
let httpPort: number;
let peerPort: number;
const cleanups: (() => unknown)[] = [];

beforeAll(() => {
  if (!existsSync(MAIN)) throw new Error(`There is no ${MAIN}: run "npm run build" first.`);
});

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'quorate-serve-'));
  file = join(directory, 'cluster.config.json');
  [httpPort = 0, peerPort = 0] = await freePorts(2);
  await writeConfiguration({});
});

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
  await rm(directory, { recursive: true });
});

async function writeConfiguration(changes: object): Promise<void> {
  const node = { id: 'n1', host: '127.0.0.1', httpPort, peerPort };
  await writeFile(file, JSON.stringify({ cluster: 'test', partitions: 8, nodes: [node], ...changes }));
}

/** A `serve` that runs or has ended, with what it printed. */
class Serve {
  readonly ended: Promise<ProcessEnd>;
  readonly #process: NodeProcess;
  readonly #lines: string[] = [];
  #wake = (): void => {};

  constructor(command: readonly string[] = DIRECT, node = 'n1', options: readonly string[] = []) {
    const [program = '', ...before] = command;
    let end = (_end: ProcessEnd): void => {};
    this.ended = new Promise((resolve) => {
      end = resolve;
    });
    this.#process = startNodeProcess({
      launch: { program, arguments: before },
      serveArguments: ['--node', node, '--config', file, ...options],
      environment: environmentOfNodes(),
      workingDirectory: directory,
      onLine: (line) => {
        this.#lines.push(line);
        this.#wake();
      },
      onEnd: end,
    });
    cleanups.push(async () => {
      this.#process.kill('SIGKILL');
      await this.ended;
    });
  }

  get output(): string {
    return this.#lines.join('\n');
  }

  signal(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  /** Waits for a log line with this code; a process that ends instead is an error. */
  async logged(code: string): Promise<void> {
    const end = this.ended.then(() => {
      throw new Error(`it ended without ${code}:\n${this.output}`);
    });
    const found = async (): Promise<void> => {
      while (!this.output.includes(`"code":"${code}"`)) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    };
    await Promise.race([found(), end]);
  }
}

/** Settings of whoever runs the tests must not reach the nodes. */
function environmentOfNodes(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('QUORATE_')));
}

function client(): HttpClient {
  const made = new HttpClient(httpPort);
  cleanups.push(() => made.close());
  return made;
}

/** The exit code and the output of a `serve` that ends by itself. */
async function serveToEnd(
  node = 'n1',
): Promise<{ readonly exitCode: number | null; readonly output: string }> {
  const serve = new Serve(DIRECT, node);
  const { exitCode } = await serve.ended;
  return { exitCode, output: serve.output };
}

describe('serve', () => {
  it.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('drains and exits 0 at %s', async (signal) => {
    const serve = new Serve();
    await serve.logged('serving');
    expect((await client().put(TARGET)).status).toBe(201);
    serve.signal(signal);
    expect(await serve.ended).toEqual({ exitCode: 0, signal: null });
    expect(serve.output).toContain('"code":"stopped"');
  });

  it('ends at once at a second signal', async () => {
    const serve = new Serve();
    await serve.logged('serving');
    const socket = await client().connect();
    // A request that never comes to its end keeps the drain waiting.
    socket.write(
      `PUT ${TARGET} HTTP/1.1\r\nHost: localhost\r\nQuorate-Timeout-Ms: 60000\r\nContent-Length: 9\r\n\r\n`,
    );
    while (!(await client().get('/metrics')).text.includes('requests_in_flight{node="n1"} 1'));
    serve.signal('SIGTERM');
    await serve.logged('draining');
    serve.signal('SIGTERM');
    expect(await serve.ended).toEqual({ exitCode: 1, signal: null });
    expect(serve.output).not.toContain('"code":"stopped"');
  });

  it('ends with its parent, even if that is killed', async () => {
    const parent = spawn(process.execPath, [MAIN, 'cluster', '--config', file, '--json'], {
      cwd: directory,
      env: environmentOfNodes(),
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    cleanups.push(() => parent.kill('SIGKILL'));
    let pid = 0;
    for await (const line of createInterface({ input: parent.stdout })) {
      const { log } = JSON.parse(line) as { readonly log?: { readonly code: string; readonly pid: number } };
      if (log?.code !== 'serving') continue;
      pid = log.pid;
      break;
    }
    expect(pid).toBeGreaterThan(0);
    parent.kill('SIGKILL');
    await once(parent, 'close');
    while (isRunning(pid)) await new Promise((resolve) => setTimeout(resolve, 20));
    // It drained: its data directory is free.
    const again = new Serve();
    await again.logged('serving');
  });
});

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe('serve does not start, says why in a sentence, and exits', () => {
  it('78 for mistakes in the configuration, all of them', async () => {
    await writeConfiguration({ partitions: 9, log: { level: 'loud' } });
    const { exitCode, output } = await serveToEnd();
    expect(exitCode).toBe(78);
    expect(output).toContain('partitions: It must be a power of two');
    expect(output).toContain('log.level: It must be one of');
    expect(output).not.toContain('    at ');
  });

  it('78 for a node that the configuration does not have', async () => {
    const { exitCode, output } = await serveToEnd('n2');
    expect(exitCode).toBe(78);
    expect(output).toMatch(/no node "n2"\. It has n1\.\nDid you mean `serve --node n1`\?$/);
  });

  it('78 for a node to do without that the configuration does not have', async () => {
    const serve = new Serve(DIRECT, 'n1', [
      '--vote-after-loss',
      '--vote-without',
      'n1',
      '--vote-without',
      'n2',
    ]);
    expect((await serve.ended).exitCode).toBe(78);
    expect(serve.output).toMatch(/no node "n2"\. It has n1\.\nDid you mean `serve --vote-without n1`\?$/);
  });

  it('78 for a data directory that is in use', async () => {
    await new Serve().logged('serving');
    const { exitCode, output } = await serveToEnd();
    expect(exitCode).toBe(78);
    expect(output).toMatch(
      /^quorate: node n1 cannot start\. The data directory .* is in use by another process .* Stop that process/,
    );
  });

  it('78 for the data of another cluster', async () => {
    const serve = new Serve();
    await serve.logged('serving');
    serve.signal('SIGTERM');
    await serve.ended;
    await writeConfiguration({ cluster: 'other' });
    const { exitCode, output } = await serveToEnd();
    expect(exitCode).toBe(78);
    expect(output).toMatch(
      /^quorate: node n1 cannot start\. The data directory belongs to node "n1" of cluster "test"/,
    );
  });

  it('1 for a busy port', async () => {
    const occupant = createServer();
    occupant.listen(httpPort, '127.0.0.1');
    await once(occupant, 'listening');
    cleanups.push(() => occupant.close());
    const { exitCode, output } = await serveToEnd();
    expect(exitCode).toBe(1);
    expect(output).toBe(
      `quorate: node n1 cannot start. Cannot listen on 127.0.0.1:${httpPort}: the port is in use. Stop the process that listens there, or give this node another port.`,
    );
  });
});

describe('a disk that is full', () => {
  it('ends the node with a failure at the first write that fails, and nothing acknowledged is lost', async () => {
    await writeConfiguration({ storage: { reserveBytes: 0 } });
    const serve = new Serve(ON_A_FULL_DISK);
    await serve.logged('serving');
    const acknowledged: string[] = [];
    const writer = client();
    for (let index = 0; ; index += 1) {
      const target = `${TARGET}${index}`;
      const answer = await writer.put(target, `${index}:${'x'.repeat(64 * 1024)}`).catch(() => undefined);
      if (answer?.status !== 201) break;
      acknowledged.push(target);
    }
    expect(await serve.ended).toEqual({ exitCode: 1, signal: null });
    expect(serve.output).toContain('"code":"node-failed"');
    expect(acknowledged.length).toBeGreaterThan(10);

    await new Serve().logged('serving');
    const reader = client();
    for (const [index, target] of acknowledged.entries()) {
      expect((await reader.get(target)).text).toBe(`${index}:${'x'.repeat(64 * 1024)}`);
    }
  });
});
