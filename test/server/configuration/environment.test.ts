import { describe, expect, it } from 'vitest';
import { problemsOf, readValid, sampleFile, sampleNode } from './reading.ts';

/** Every variable there is for the sample file with one bucket, with a value and where that is to end up. */
const VARIABLES = {
  QUORATE_CLUSTER: 'other',
  QUORATE_PARTITIONS: '64',
  QUORATE_DATA_DIR: '/srv/data',
  QUORATE_DEFAULTS_N: '2',
  QUORATE_DEFAULTS_R: '1',
  QUORATE_DEFAULTS_W: '2',
  QUORATE_LIMITS_MAX_VALUE_BYTES: '100',
  QUORATE_LIMITS_MAX_SIBLINGS: '5',
  QUORATE_LIMITS_MAX_RECORD_BYTES: '200',
  QUORATE_LIMITS_MAX_OPERATIONS_IN_FLIGHT: '7',
  QUORATE_LIMITS_MAX_HINTS_PER_OWNER: '8',
  QUORATE_LIMITS_MAX_HINT_BYTES: '9',
  QUORATE_STORAGE_FSYNC: 'false',
  QUORATE_STORAGE_RESERVE_BYTES: '0',
  QUORATE_STORAGE_WRITE_BUFFER_BYTES: '65536',
  QUORATE_READS_ASK_ALL_SHARE: '0.25',
  QUORATE_TOMBSTONES_REAP_AFTER_SECONDS: '7200',
  QUORATE_CORS_ORIGINS: 'https://a.example, https://b.example',
  QUORATE_AUTH_TOKENS: 'write:abcdefgh,read:ijklmnop==',
  QUORATE_PEER_SECRET: 'from the environment',
  QUORATE_LOG_LEVEL: 'debug',
  QUORATE_NODES_N1_HOST: 'db-1.example',
  QUORATE_NODES_N1_HTTP_PORT: '8001',
  QUORATE_NODES_N1_PEER_PORT: '8101',
  QUORATE_NODES_N1_BIND: '0.0.0.0',
  QUORATE_NODES_N1_ZONE: 'z',
  QUORATE_BUCKETS_MY_BUCKET_N: '3',
  QUORATE_BUCKETS_MY_BUCKET_R: '3',
  QUORATE_BUCKETS_MY_BUCKET_W: '1',
  QUORATE_BUCKETS_MY_BUCKET_MODE: 'cas',
} as const;

const file = sampleFile({ buckets: { 'my.Bucket': {} }, storage: { fsync: true } });

describe('environment variables', () => {
  it('override every setting', () => {
    const { config, settings } = readValid(file, VARIABLES);
    expect(config).toMatchObject({
      cluster: 'other',
      partitions: 64,
      defaults: { n: 2, r: 1, w: 2 },
      limits: {
        maxValueBytes: 100,
        maxSiblings: 5,
        maxRecordBytes: 200,
        maxOperationsInFlight: 7,
        maxHintsPerOwner: 8,
        maxHintBytes: 9,
        reserveBytes: 0,
      },
    });
    expect(config.nodes[0]).toEqual({
      id: 'n1',
      host: 'db-1.example',
      bind: '0.0.0.0',
      httpPort: 8001,
      peerPort: 8101,
      zone: 'z',
    });
    expect([...config.buckets]).toEqual([['my.Bucket', { n: 3, r: 3, w: 1, mode: 'cas' }]]);
    expect(settings).toEqual({
      dataDir: '/srv/data',
      storage: { fsync: false, reserveBytes: 0, writeBufferBytes: 65_536 },
      tombstones: { reapAfterMs: 7_200_000 },
      reads: { askAllShare: 0.25 },
      cors: { origins: ['https://a.example', 'https://b.example'] },
      auth: {
        tokens: [
          { access: 'write', token: 'abcdefgh' },
          { access: 'read', token: 'ijklmnop==' },
        ],
      },
      peerSecret: 'from the environment',
      log: { level: 'debug' },
    });
  });

  it('are named in the result', () => {
    const { variables } = readValid(file, { QUORATE_NODES_N2_ZONE: 'z', QUORATE_DEFAULTS_N: '1' });
    expect(Object.fromEntries(variables)).toEqual({
      'nodes[1].zone': 'QUORATE_NODES_N2_ZONE',
      'defaults.n': 'QUORATE_DEFAULTS_N',
    });
  });

  it('start relative paths at the file', () => {
    expect(readValid(file, { QUORATE_DATA_DIR: 'there' }).settings.dataDir).toBe('/etc/quorate/there');
  });

  it('may empty a list', () => {
    const open = sampleFile({ cors: { origins: ['*'] } });
    expect(readValid(open, { QUORATE_CORS_ORIGINS: '' }).settings.cors.origins).toEqual([]);
  });

  it('mend what is wrong in the file', () => {
    expect(problemsOf(sampleFile({ log: { level: 'loud' } }), { QUORATE_LOG_LEVEL: 'warn' })).toEqual([]);
  });

  it('of the command line, of other programs, and of Kubernetes services are left alone', () => {
    const others = {
      QUORATE_NODES: 'http://127.0.0.1:7001',
      QUORATE_TOKEN: 'secret',
      QUORATE_DEBUG: '1',
      QUORATED: 'x',
      PATH: '/bin',
      QUORATE_PORT: 'tcp://10.0.0.1:7001',
      QUORATE_SERVICE_HOST: '10.0.0.1',
      QUORATE_SERVICE_PORT: '7001',
      QUORATE_SERVICE_PORT_HTTP: '7001',
      QUORATE_PEERS_PORT_7101_TCP_ADDR: '10.0.0.1',
    };
    expect(problemsOf(file, others)).toEqual([]);
  });
});

describe('a mistake in a variable', () => {
  it.each([
    ['QUORATE_STORAGE_FSYNC', 'no', 'storage.fsync', /true or false, not "no"/],
    ['QUORATE_PARTITIONS', '0x100', 'partitions', /power of two.*not "0x100"/],
    ['QUORATE_PARTITIONS', '100', 'partitions', /power of two.*not 100/],
    ['QUORATE_DEFAULTS_N', '4', 'defaults.n', /at most 3, the number of nodes/],
    ['QUORATE_NODES_N2_HTTP_PORT', '7001', 'nodes[1].httpPort', /taken by nodes\[0\]\.httpPort/],
    ['QUORATE_NODES_N2_HTTP_PORT', '', 'nodes[1].httpPort', /It is empty\. Give it a value, or unset it/],
    ['QUORATE_PEER_SECRET', '', 'peerSecret', /It is empty/],
    ['QUORATE_AUTH_TOKENS', '', 'auth.tokens', /It is empty/],
    ['QUORATE_BUCKETS_MY_BUCKET_MODE', 'case', 'buckets["my.Bucket"].mode', /Did you mean "cas"\?/],
    ['QUORATE_CORS_ORIGINS', '*,nowhere', 'cors.origins[1]', /not "nowhere"/],
    ['QUORATE_AUTH_TOKENS', 'abcdefgh', 'auth.tokens[0].access', /^It is missing/],
  ])('%s=%s is reported under its name', (variable, value, path, message) => {
    expect(problemsOf(file, { [variable]: value })).toEqual([
      { path, variable, message: expect.stringMatching(message) as string },
    ]);
  });

  it('never shows a secret', () => {
    const environment = { QUORATE_PEER_SECRET: 'hush', QUORATE_AUTH_TOKENS: 'write:sesame!,sesame' };
    const problems = problemsOf(file, environment);
    expect(problems.map(({ variable }) => variable)).toContain('QUORATE_PEER_SECRET');
    expect(problems.map(({ variable }) => variable)).toContain('QUORATE_AUTH_TOKENS');
    expect(JSON.stringify(problems)).not.toMatch(/hush|sesame/);
  });

  it.each([
    ['QUORATE_STORAGE_FSINK', /No setting has this variable\. Did you mean QUORATE_STORAGE_FSYNC\?/],
    ['QUORATE_FSYNC', /Did you mean QUORATE_STORAGE_FSYNC\?/],
    ['QUORATE_HTTP_PORT', /Did you mean QUORATE_NODES_N1_HTTP_PORT\?/],
    ['QUORATE_NODES_N9_ZONE', /Did you mean QUORATE_NODES_N\d_ZONE\?/],
    ['QUORATE_NODES_N1_ID', /No setting has this variable/],
    ['QUORATE_TOKENS', /Did you mean QUORATE_(AUTH_TOKENS|TOKEN)\?/],
    ['QUORATE_ZZZZZZ', /No setting has this variable\.$/],
  ])('in the name %s is reported', (variable, message) => {
    expect(problemsOf(file, { [variable]: 'x' })).toEqual([
      { path: '', variable, message: expect.stringMatching(message) as string },
    ]);
  });

  it('that fits two settings is not guessed', () => {
    const twins = sampleFile({ buckets: { 'a-b': {}, a_b: {} } });
    expect(problemsOf(twins, { QUORATE_BUCKETS_A_B_N: '1' })).toEqual([
      {
        path: '',
        variable: 'QUORATE_BUCKETS_A_B_N',
        message: 'It names buckets["a-b"].n and buckets.a_b.n alike. Set them in the file.',
      },
    ]);
  });

  it('does not hide that the section is none', () => {
    const problems = problemsOf(sampleFile({ storage: 5 }), { QUORATE_STORAGE_FSYNC: 'true' });
    expect(problems).toEqual([{ path: 'storage', message: expect.stringContaining('not 5') as string }]);
  });

  it('comes together with those of the file', () => {
    const broken = sampleFile({ nodes: [sampleNode(1, { httpPort: 0 }), sampleNode(2)] });
    expect(problemsOf(broken, { QUORATE_LOG_LEVEL: 'x', QUORATE_OOPS: '1' })).toHaveLength(3);
  });
});
