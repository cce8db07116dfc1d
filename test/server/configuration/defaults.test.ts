import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { configurationEpoch } from '../../../src/codec/hash.ts';
import { bucketConfig } from '../../../src/core/cluster-config.ts';
import { DEFAULT_LIMITS } from '../../../src/core/limits.ts';
import { readConfiguration } from '../../../src/server/config-file.ts';
import { readValid, sampleFile, sampleNode } from './reading.ts';

const nodes = (count: number) => Array.from({ length: count }, (_, index) => sampleNode(index + 1));

describe('the file of the project', () => {
  it('has five local nodes', async () => {
    const file = fileURLToPath(new URL('../../../cluster.config.json', import.meta.url));
    const result = await readConfiguration({ file, environment: {} });
    expect(result.type).toBe('valid');
    if (result.type !== 'valid') return;
    const { config, settings } = result;
    expect(config.nodes.map(({ id, host, httpPort, peerPort }) => [id, host, httpPort, peerPort])).toEqual([
      ['n1', '127.0.0.1', 7001, 7101],
      ['n2', '127.0.0.1', 7002, 7102],
      ['n3', '127.0.0.1', 7003, 7103],
      ['n4', '127.0.0.1', 7004, 7104],
      ['n5', '127.0.0.1', 7005, 7105],
    ]);
    expect(config.defaults).toEqual({ n: 3, r: 2, w: 2 });
    expect(settings.dataDir).toBe(fileURLToPath(new URL('../../../data', import.meta.url)));
    expect(result.epoch).toBe(configurationEpoch(config));
  });

  it('is read with a byte order mark, too', async () => {
    const file = fileURLToPath(new URL('../../../cluster.config.json', import.meta.url));
    expect(readValid(`\uFEFF${await readFile(file, 'utf8')}`).config.cluster).toBe('local');
  });
});

describe('defaults', () => {
  it('fill in all that the smallest file leaves out', () => {
    const { config, settings } = readValid(sampleFile());
    expect(config).toEqual({
      cluster: 'test',
      partitions: 256,
      nodes: [1, 2, 3].map((number) => ({
        id: `n${number}`,
        host: '127.0.0.1',
        bind: '127.0.0.1',
        httpPort: 7000 + number,
        peerPort: 7100 + number,
        zone: `n${number}`,
      })),
      defaults: { n: 3, r: 2, w: 2 },
      buckets: new Map(),
      limits: DEFAULT_LIMITS,
    });
    expect(settings).toEqual({
      dataDir: '/etc/quorate/data',
      storage: { fsync: true, reserveBytes: DEFAULT_LIMITS.reserveBytes, writeBufferBytes: 33_554_432 },
      tombstones: { reapAfterMs: undefined },
      reads: { askAllShare: 0.01 },
      cors: { origins: [] },
      auth: { tokens: [] },
      peerSecret: undefined,
      log: { level: 'info' },
    });
  });

  it.each([
    [1, { n: 1, r: 1, w: 1 }],
    [2, { n: 2, r: 2, w: 2 }],
    [3, { n: 3, r: 2, w: 2 }],
    [7, { n: 3, r: 2, w: 2 }],
    [64, { n: 3, r: 2, w: 2 }],
  ])('of n, r and w fit %i nodes', (count, expected) => {
    expect(readValid(sampleFile({ nodes: nodes(count) })).config.defaults).toEqual(expected);
  });

  it.each([
    [{}, { n: 4, r: 1, w: 4, mode: 'mixed' }],
    [{ mode: 'cas' }, { n: 4, r: 1, w: 4, mode: 'cas' }],
    [{ w: 2 }, { n: 4, r: 1, w: 2, mode: 'mixed' }],
    [{ n: 3 }, { n: 3, r: 2, w: 2, mode: 'mixed' }],
    [
      { n: 5, r: 5 },
      { n: 5, r: 5, w: 3, mode: 'mixed' },
    ],
  ])('of a bucket with %j are those of the cluster, or the majority of its own n', (bucket, expected) => {
    const file = sampleFile({ nodes: nodes(5), defaults: { n: 4, r: 1, w: 4 }, buckets: { b: bucket } });
    expect(readValid(file).config.buckets.get('b')).toEqual(expected);
  });

  it('let a record hold a value of the largest size', () => {
    const limits = { maxValueBytes: 32 * 1024 * 1024 };
    expect(readValid(sampleFile({ limits })).config.limits.maxRecordBytes).toBe(32 * 1024 * 1024);
  });

  it('give each node without a zone one of its own, beside zones that are named', () => {
    const file = sampleFile({
      nodes: [sampleNode(1, { zone: 'a' }), sampleNode(2, { zone: 'a' }), sampleNode(3)],
    });
    expect(readValid(file).config.nodes.map(({ zone }) => zone)).toEqual(['a', 'a', 'n3']);
  });
});

describe('what is written', () => {
  it('reaches the configuration', () => {
    const { config, settings } = readValid(
      sampleFile({
        partitions: 16,
        dataDir: '/var/lib/quorate',
        nodes: [
          sampleNode(1, { host: 'db-1.example', bind: '::', zone: 'rack-1' }),
          sampleNode(2),
          sampleNode(3),
        ],
        limits: {
          maxValueBytes: 10,
          maxSiblings: 1,
          maxRecordBytes: 20,
          maxOperationsInFlight: 2,
          maxHintsPerOwner: 0,
          maxHintBytes: 30,
        },
        storage: { fsync: false, reserveBytes: 0, writeBufferBytes: 65_536 },
        tombstones: { reapAfterSeconds: 3_600 },
        reads: { askAllShare: 0 },
        cors: { origins: ['https://a.example', 'http://localhost:5173', 'capacitor://localhost'] },
        auth: { tokens: [{ token: 'abcdefgh', access: 'read' }] },
        peerSecret: 'long enough',
        log: { level: 'silent' },
      }),
    );
    expect(config.partitions).toBe(16);
    expect(config.nodes[0]).toMatchObject({ host: 'db-1.example', bind: '::', zone: 'rack-1' });
    expect(config.limits).toEqual({
      maxValueBytes: 10,
      maxSiblings: 1,
      maxRecordBytes: 20,
      maxOperationsInFlight: 2,
      maxHintsPerOwner: 0,
      maxHintBytes: 30,
      reserveBytes: 0,
    });
    expect(settings).toEqual({
      dataDir: '/var/lib/quorate',
      storage: { fsync: false, reserveBytes: 0, writeBufferBytes: 65_536 },
      tombstones: { reapAfterMs: 3_600_000 },
      reads: { askAllShare: 0 },
      cors: { origins: ['https://a.example', 'http://localhost:5173', 'capacitor://localhost'] },
      auth: { tokens: [{ token: 'abcdefgh', access: 'read' }] },
      peerSecret: 'long enough',
      log: { level: 'silent' },
    });
  });

  it('may call a bucket __proto__ or constructor', () => {
    const text = JSON.stringify(sampleFile()).replace(
      /}$/,
      ',"buckets":{"__proto__":{"n":1},"constructor":{"mode":"cas"}}}',
    );
    const { config } = readValid(text);
    expect([...config.buckets.keys()]).toEqual(['__proto__', 'constructor']);
    expect(bucketConfig(config, '__proto__')).toEqual({ n: 1, r: 1, w: 1, mode: 'mixed' });
    expect(bucketConfig(config, 'toString')).toEqual({ n: 3, r: 2, w: 2, mode: 'mixed' });
  });

  it('has paths that start at the file, unless the command line names a directory', () => {
    const file = sampleFile({ dataDir: '../data' });
    expect(readValid(file).settings.dataDir).toBe('/etc/data');
  });
});
