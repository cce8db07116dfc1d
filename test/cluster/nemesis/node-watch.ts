/** What nodes must not do whatever is broken around them: end by themselves, and say what is not so. */
import type { Violation } from '../../sim/checkers/history.ts';
import type { ProcessCluster } from '../process-cluster.ts';

/** Codes of log lines that tell of a bug of the program, or of a peer that would have one. */
const NEVER = ['dot-collision', 'internal-error', 'malformed-frame', 'hello-refused', 'clone-refused'];
/** Those that tell that a disk has lost something. */
const LOSSES = ['store-lost-something', 'incarnation-renewed', 'unreadable-record', 'record-replaced'];
const FAILURES = ['storage-failed', 'node-failed'];

export class NodeWatch {
  readonly #cluster: ProcessCluster;
  /** Its disk has lost something in this run. */
  readonly #losers = new Set<string>();
  /** Its disk fails, or may be damaged: it may end by itself. */
  readonly #failing = new Set<string>();
  readonly #found = new Map<string, Violation>();
  #noticed = 0;
  #stopped = 0;

  constructor(cluster: ProcessCluster) {
    this.#cluster = cluster;
  }

  get violations(): readonly Violation[] {
    return [...this.#found.values()];
  }

  /** How many lost disks their nodes have noticed. */
  get noticed(): number {
    return this.#noticed;
  }

  /** How many times a node has stopped itself for a write that failed. */
  get stopped(): number {
    return this.#stopped;
  }

  hasLost(node: string): void {
    this.#losers.add(node);
  }

  mayEnd(node: string): void {
    this.#failing.add(node);
  }

  /** Its disk is whole again, and it has been started anew. */
  isSound(node: string): void {
    this.#failing.delete(node);
  }

  /** Looks at what a node has said in the life that it is in, or has just ended. Has to be called before each start. */
  look(node: string): void {
    const logs = this.#cluster.logs(node);
    const says = (code: string): boolean => logs.includes(`"code":"${code}"`);
    if (says('store-lost-something')) this.#noticed += 1;
    if (says('storage-failed')) this.#stopped += 1;
    for (const code of NEVER) if (says(code)) this.#report('unexpected-log-line', node, code);
    if (!this.#losers.has(node)) {
      for (const code of LOSSES) if (says(code)) this.#report('no-false-alarm', node, code);
    }
    if (this.#failing.has(node)) return;
    for (const code of FAILURES) if (says(code)) this.#report('no-false-alarm', node, code);
  }

  /** For a node that has lost everything, once it has met the others: all of them knew its store. */
  expectNoticed(node: string): void {
    if (this.#cluster.logs(node).includes('"code":"store-lost-something"')) return;
    this.#add({ invariant: 'loss-unnoticed', detail: `${node} lost all it had, and never said so` });
  }

  /** For a node that nobody has ended. */
  expectRunning(node: string): void {
    if (this.#cluster.isRunning(node) || this.#failing.has(node)) return;
    const lines = this.#cluster.logs(node).split('\n').slice(-10).join('\n');
    this.#add({ invariant: 'ended-by-itself', detail: `${node} ended by itself:\n${lines}` });
  }

  #report(invariant: string, node: string, code: string): void {
    const lines = this.#cluster.logs(node).split('\n');
    const line = lines.find((each) => each.includes(`"code":"${code}"`)) ?? '';
    this.#add({ invariant, detail: `${node} says ${code}: ${line}` });
  }

  #add(violation: Violation): void {
    this.#found.set(violation.detail, violation);
  }
}
