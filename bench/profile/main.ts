/**
 * Where the time of the nodes goes: `npx tsx bench/profile/main.ts PROFILES...`, each a `.cpuprofile` or a directory of
 * them, as `npm run bench -- --profile` leaves it. All are added up; give one file to see one node.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import type { Profiler } from 'node:inspector';
import { join } from 'node:path';
import { Command } from 'commander';
import { positiveInteger } from '../../src/cli/option-values.ts';
import { summarizeProfiles, type ProfileEntry, type ProfileSummary } from './cpu-profile.ts';
import { formatTable } from '../report/text-table.ts';

/** An owner of less than this part of the busy time is not worth a line. */
const SMALL_PART = 0.005;
/** Functions to show in each order, if not said otherwise. */
const TOP = 25;

new Command('npx tsx bench/profile/main.ts')
  .argument('<profiles...>', '.cpuprofile files, or directories that hold some')
  .option('--top <count>', 'functions to show in each order', positiveInteger, TOP)
  .action((paths: readonly string[], { top }: { readonly top: number }) => {
    const files = paths.flatMap(profileFiles);
    const profiles = files.map((file) => JSON.parse(readFileSync(file, 'utf8')) as Profiler.Profile);
    process.stdout.write(`${formatSummary(summarizeProfiles(profiles), files.length, top)}\n`);
  })
  .parse();

function formatSummary(summary: ProfileSummary, profileCount: number, top: number): string {
  const { busyMicroseconds: busy, idleMicroseconds: idle, owners, functions } = summary;
  const own = functions.filter(({ owner }) => owner.startsWith('src/'));
  return [
    `Main threads of ${profileCount} processes: busy ${seconds(busy)} of ${seconds(busy + idle)} s. ` +
      'Times are parts of the busy time; "total" includes what was called.',
    timeTable('by owner', owners.filter(isWorthALine(busy)).sort(bySelf), busy),
    timeTable('by function', [...functions].sort(bySelf).slice(0, top), busy),
    timeTable('functions of src, by total', own.sort(byTotal).slice(0, top), busy),
  ].join('\n\n');
}

function timeTable(title: string, entries: readonly ProfileEntry[], busyMicroseconds: number): string {
  const share = (microseconds: number) => `${((microseconds / busyMicroseconds) * 100).toFixed(1)} %`;
  return formatTable(
    [title, 'owner', 'self', 'total'],
    entries.map(({ name, owner, selfMicroseconds, totalMicroseconds }) => [
      name,
      name === owner ? '' : owner,
      share(selfMicroseconds),
      share(totalMicroseconds),
    ]),
    [0, 1],
  );
}

function isWorthALine(busyMicroseconds: number): (entry: ProfileEntry) => boolean {
  return ({ selfMicroseconds }) => selfMicroseconds >= busyMicroseconds * SMALL_PART;
}

function bySelf(a: ProfileEntry, b: ProfileEntry): number {
  return b.selfMicroseconds - a.selfMicroseconds;
}

function byTotal(a: ProfileEntry, b: ProfileEntry): number {
  return b.totalMicroseconds - a.totalMicroseconds;
}

function profileFiles(path: string): readonly string[] {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path)
    .filter((name) => name.endsWith('.cpuprofile'))
    .map((name) => join(path, name));
}

function seconds(microseconds: number): string {
  return (microseconds / 1e6).toFixed(1);
}
