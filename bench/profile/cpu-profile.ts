/**
 * Times of a `.cpuprofile` (what `node --cpu-prof` writes), by function and by owner.
 *
 * A profile shows the main thread only: LevelDB's compaction and libuv's pool work elsewhere and are seen in the CPU time of
 * the process alone. Native functions bear no file; they belong to whoever called them, so that a write to a socket counts
 * for node:net and a write to LevelDB for its package.
 *
 * Samples are taken by the clock. Where processes contend for processors, time in which a thread did not run counts for
 * what it was doing, above all for writes to sockets, which wake a process that takes its place. Trust shares of code more
 * than those of system calls, and use few connections for a closer look.
 */
import type { Profiler } from 'node:inspector';

/** Time of one function, or of all functions of one owner. */
export interface ProfileEntry extends Origin {
  /** In its own lines. */
  readonly selfMicroseconds: number;
  /** The same and in whatever it called; what it awaited is not among that. */
  readonly totalMicroseconds: number;
}

/** Who a stack frame is. */
interface Origin {
  readonly name: string;
  /** A room of src, `package NAME`, `node:MODULE`, or what the profiler shows in brackets. */
  readonly owner: string;
}

/** What one or more profiles hold. */
export interface ProfileSummary {
  /** All but idle time; the other times are parts of it. */
  readonly busyMicroseconds: number;
  readonly idleMicroseconds: number;
  readonly owners: readonly ProfileEntry[];
  readonly functions: readonly ProfileEntry[];
}

const IDLE = '(idle)';
const ROOT = '(root)';
const UNKNOWN: Origin = { name: '(unknown)', owner: '(unknown)' };

/** Adds up profiles, for instance those of all nodes of a cluster. */
export function summarizeProfiles(profiles: readonly Profiler.Profile[]): ProfileSummary {
  const functions = new TimeTable(({ owner, name }) => ({ owner, name }));
  const owners = new TimeTable(({ owner }) => ({ owner, name: owner }));
  for (const profile of profiles) {
    const parents = parentsOf(profile);
    const origins = originsOf(profile, parents);
    for (const [nodeId, microseconds] of selfTimes(profile)) {
      const stack = stackOf(nodeId, parents).map((id) => origins.get(id) ?? UNKNOWN);
      functions.add(stack, microseconds);
      owners.add(stack, microseconds);
    }
  }
  const times = owners.entries();
  const idle = times.find(({ owner }) => owner === IDLE)?.selfMicroseconds ?? 0;
  return {
    busyMicroseconds: times.reduce((sum, { selfMicroseconds }) => sum + selfMicroseconds, 0) - idle,
    idleMicroseconds: idle,
    owners: times.filter(isWork),
    functions: functions.entries().filter(isWork),
  };
}

/** Times by a name taken of stack frames. */
class TimeTable {
  readonly #entries = new Map<string, { name: string; owner: string; self: number; total: number }>();
  readonly #nameOf: (origin: Origin) => Origin;

  constructor(nameOf: (origin: Origin) => Origin) {
    this.#nameOf = nameOf;
  }

  /** Adds the time of one stack, innermost frame first. A name that stands in it twice counts once. */
  add(stack: readonly Origin[], microseconds: number): void {
    const seen = new Set<object>();
    stack.forEach((frame, depth) => {
      const entry = this.#entry(this.#nameOf(frame));
      if (depth === 0) entry.self += microseconds;
      if (!seen.has(entry)) entry.total += microseconds;
      seen.add(entry);
    });
  }

  entries(): readonly ProfileEntry[] {
    return [...this.#entries.values()].map(({ name, owner, self, total }) => ({
      name,
      owner,
      selfMicroseconds: self,
      totalMicroseconds: total,
    }));
  }

  #entry({ name, owner }: Origin): { self: number; total: number } {
    const key = `${owner}\n${name}`;
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      entry = { name, owner, self: 0, total: 0 };
      this.#entries.set(key, entry);
    }
    return entry;
  }
}

function isWork({ owner }: Origin): boolean {
  return owner !== IDLE && owner !== ROOT;
}

/** Time by node of the call tree. A sample stands for the time until the next one. */
function selfTimes({ samples = [], timeDeltas = [] }: Profiler.Profile): ReadonlyMap<number, number> {
  const times = new Map<number, number>();
  samples.forEach((nodeId, index) => {
    // Deltas may be slightly negative where samples came out of order (documented by V8); their sum stays right.
    times.set(nodeId, (times.get(nodeId) ?? 0) + (timeDeltas[index + 1] ?? 0));
  });
  return times;
}

function parentsOf({ nodes }: Profiler.Profile): ReadonlyMap<number, number> {
  return new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)));
}

/** Innermost first. */
function stackOf(nodeId: number, parents: ReadonlyMap<number, number>): readonly number[] {
  const stack: number[] = [];
  for (let id: number | undefined = nodeId; id !== undefined; id = parents.get(id)) stack.push(id);
  return stack;
}

/** Who each node of the call tree is. Parents stand before their children in a profile. */
function originsOf(
  { nodes }: Profiler.Profile,
  parents: ReadonlyMap<number, number>,
): ReadonlyMap<number, Origin> {
  const origins = new Map<number, Origin>();
  for (const { id, callFrame } of nodes) {
    const parent = parents.get(id);
    origins.set(id, originOf(callFrame, parent === undefined ? undefined : origins.get(parent)));
  }
  return origins;
}

function originOf(frame: Profiler.ProfileNode['callFrame'], caller: Origin | undefined): Origin {
  const name = frame.functionName === '' ? '(anonymous)' : frame.functionName;
  if (frame.url !== '') {
    return {
      name: `${name} ${frame.url.split('/').at(-1)}:${frame.lineNumber + 1}`,
      owner: ownerOf(frame.url),
    };
  }
  const isNative = !name.startsWith('(') && caller !== undefined && caller.owner !== ROOT;
  return isNative
    ? { name: `${name} (native) < ${caller.name}`, owner: caller.owner }
    : { name, owner: name };
}

/** The last node_modules counts: packages may lie inside of others. */
function ownerOf(url: string): string {
  if (url.startsWith('node:')) return nodeOwner(url);
  const packageName = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1];
  if (packageName !== undefined) return `package ${packageName}`;
  const room = /\/(?:dist|src)\/([^/]+)\//.exec(url)?.[1];
  return room === undefined ? url : `src/${room}`;
}

/** Modules of Node.js by what people know them for. */
function nodeOwner(url: string): string {
  if (/^node:(_http|internal\/http)/.test(url)) return 'node:http';
  if (/^node:(net|internal\/(net|stream_base_commons))$/.test(url)) return 'node:net';
  if (/^node:(_?stream|internal\/streams\/)/.test(url)) return 'node:stream';
  if (/^node:internal\/(timers|process\/task_queues|process\/promises)|^node:timers/.test(url)) {
    return 'node: timers, ticks, promises';
  }
  return url.replace(/^node:internal\//, 'node:').replace(/^(node:[^/]+).*/, '$1');
}
