/** Checks of what depends on several values. Values that are missing because they were wrong are left out of account. */
import type { QuorumDefaults } from '../../core/cluster-config.ts';
import { hostAndPort } from '../host-and-port.ts';
import { DEFAULT_LIMITS } from '../../core/limits.ts';
import { type QuorumNumbers, quorumDefaults, quorumOfBucket } from './defaults.ts';
import { formatPath, type ProblemList, type SettingPath } from './problem.ts';
import type { FileDocument } from './schema.ts';
import type { Passed } from './value-checks.ts';

type PassedNode = Passed<FileDocument['nodes'][number]>;
type IndexedNode = PassedNode & { readonly index: number };

/** Adds a problem for each thing that does not fit the others. */
export function checkTogether(document: Passed<FileDocument>, problems: ProblemList): void {
  const nodes = (document.nodes ?? []).flatMap((node, index) =>
    node === undefined ? [] : [{ ...node, index }],
  );
  checkIds(nodes, problems);
  checkAddresses(nodes, problems);
  checkZones(nodes, problems);
  checkQuorums(document, problems);
  checkLimits(document, problems);
  checkTokens(document, problems);
}

/** Ids that differ only in case would be one directory on some file systems, and one environment variable on all. */
function checkIds(nodes: readonly IndexedNode[], problems: ProblemList): void {
  const seen = new Map<string, IndexedNode>();
  for (const node of nodes) {
    if (node.id === undefined) continue;
    const first = seen.get(node.id.toLowerCase());
    if (first === undefined) seen.set(node.id.toLowerCase(), node);
    else {
      const difference = first.id === node.id ? '' : ', but for upper and lower case';
      problems.add(
        ['nodes', node.index, 'id'],
        `${formatPath(['nodes', first.index])} has this id too${difference}. Each node needs one of its own.`,
      );
    }
  }
}

/** Two nodes on one machine, or the two ports of one node, cannot listen on one port. */
function checkAddresses(nodes: readonly IndexedNode[], problems: ProblemList): void {
  const seen = new Map<string, SettingPath>();
  for (const { host, index, ...ports } of nodes) {
    for (const key of ['httpPort', 'peerPort'] as const) {
      const port = ports[key];
      if (host === undefined || port === undefined) continue;
      const path = ['nodes', index, key];
      const address = hostAndPort(host.toLowerCase(), port);
      const first = seen.get(address);
      if (first === undefined) seen.set(address, path);
      else
        problems.add(
          path,
          `${address} is taken by ${formatPath(first)}. Each port of a host can be used once.`,
        );
    }
  }
}

/** A node without a zone is a zone of its own, named like it. Another that names this zone would share it unawares. */
function checkZones(nodes: readonly IndexedNode[], problems: ProblemList): void {
  for (const { id, zone, index } of nodes) {
    if (id === undefined || zone !== undefined || problems.has(['nodes', index, 'zone'])) continue;
    const namesake = nodes.find((other) => other.zone === id);
    if (namesake === undefined) continue;
    problems.add(
      ['nodes', index],
      `Without "zone" it is a zone of its own, named "${id}", which ${formatPath(['nodes', namesake.index, 'zone'])} names too. Give it a zone.`,
    );
  }
}

/** 1 <= r, w <= n <= members, for the defaults and every bucket. */
function checkQuorums(document: Passed<FileDocument>, problems: ProblemList): void {
  const members = document.nodes?.length ?? 0;
  if (members === 0) return;
  const given = document.defaults ?? {};
  const isSound =
    !problems.has(['defaults']) &&
    checkQuorum({ given, resolved: quorumDefaults(given, members), members, path: ['defaults'] }, problems);
  for (const [name, bucket] of document.buckets ?? []) {
    if (bucket === undefined) continue;
    // Without sound defaults only a bucket that says n by itself can be judged.
    if (!isSound && bucket.n === undefined) continue;
    const resolved = quorumOfBucket(bucket, quorumDefaults(isSound ? given : {}, members));
    checkQuorum({ given: bucket, resolved, members, path: ['buckets', name] }, problems);
  }
}

interface QuorumCheck {
  readonly given: Passed<QuorumNumbers>;
  readonly resolved: QuorumDefaults;
  readonly members: number;
  readonly path: SettingPath;
}

/** Whether nothing is wrong with n, r and w at a path. */
function checkQuorum({ given, resolved, members, path }: QuorumCheck, problems: ProblemList): boolean {
  const { n } = resolved;
  if (problems.has([...path, 'n'])) return false;
  if (n > members) {
    problems.add([...path, 'n'], `It must be at most ${members}, the number of nodes, not ${n}.`);
    return false;
  }
  for (const key of ['r', 'w'] as const) {
    const number = given[key];
    if (number === undefined || number <= n) continue;
    problems.add([...path, key], `It must be at most ${n}, which is n here, not ${number}.`);
  }
  return !problems.has([...path, 'r']) && !problems.has([...path, 'w']);
}

/** A record that may hold less than one value would refuse values that the other limit allows. */
function checkLimits({ limits }: Passed<FileDocument>, problems: ProblemList): void {
  const { maxRecordBytes, maxValueBytes = DEFAULT_LIMITS.maxValueBytes } = limits ?? {};
  if (maxRecordBytes === undefined || maxRecordBytes >= maxValueBytes) return;
  problems.add(
    ['limits', 'maxRecordBytes'],
    `It must be at least limits.maxValueBytes, which is ${maxValueBytes}, not ${maxRecordBytes}.`,
  );
}

/** One token with two kinds of access would have the one that is looked at last. */
function checkTokens({ auth }: Passed<FileDocument>, problems: ProblemList): void {
  const seen = new Map<string, number>();
  for (const [index, entry] of (auth?.tokens ?? []).entries()) {
    if (entry?.token === undefined) continue;
    const first = seen.get(entry.token);
    if (first === undefined) seen.set(entry.token, index);
    else problems.add(['auth', 'tokens', index, 'token'], `It is the token of auth.tokens[${first}] too.`);
  }
}
