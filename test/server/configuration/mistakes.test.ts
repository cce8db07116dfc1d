import { describe, expect, it } from 'vitest';
import { MAX_NODES } from '../../../src/core/limits.ts';
import { problemsOf, sampleFile, sampleNode } from './reading.ts';

/** Each with the only problem that it is to have. */
const MISTAKES: readonly (readonly [what: string, file: object | string, path: string, message: RegExp])[] = [
  [
    'no JSON',
    '{ "cluster": "a",\n  nodes: [] }',
    '',
    /^This is not JSON\. Line 2, column 3: a property name/,
  ],
  ['a list instead of an object', '[]', '', /must hold an object, not a list/],
  ['null instead of an object', 'null', '', /must hold an object, not null/],
  [
    'no cluster',
    sampleFile({ cluster: undefined }),
    'cluster',
    /^It is missing\. It must be 1 to 64 characters/,
  ],
  ['a cluster name with a space', sampleFile({ cluster: 'my cluster' }), 'cluster', /not "my cluster"/],
  ['no nodes', sampleFile({ nodes: undefined }), 'nodes', /^It is missing\. It must be a list of nodes/],
  ['nodes by name', sampleFile({ nodes: { n1: {} } }), 'nodes', /must be a list of nodes, not an object/],
  ['an empty list of nodes', sampleFile({ nodes: [] }), 'nodes', /at least one node/],
  ['too many nodes', sampleFile({ nodes: manyNodes(MAX_NODES + 1) }), 'nodes', /at most 64 nodes/],
  ['a node that is text', withNode('n2'), 'nodes[1]', /must be an object with "id", .*not "n2"/],
  ['an unknown key', sampleFile({ bukets: {} }), 'bukets', /no such setting\. Did you mean "buckets"\?/],
  [
    'an unknown key of a node',
    withNode(sampleNode(2, { zones: 'a' })),
    'nodes[1].zones',
    /Did you mean "zone"\?/,
  ],
  ['an unknown key like no other', sampleFile({ xyzzy: 1 }), 'xyzzy', /Here may stand "cluster", /],
  ['a setting in the wrong place', sampleFile({ fsync: true }), 'fsync', /Did you mean "storage\.fsync"\?/],
  [
    'a setting in the wrong section',
    sampleFile({ limits: { reserveBytes: 1 } }),
    'limits.reserveBytes',
    /"storage\.reserveBytes"/,
  ],
  [
    'a key __proto__',
    '{"cluster":"a","nodes":[{"id":"a","host":"h","httpPort":1,"peerPort":2}],"__proto__":{}}',
    '__proto__',
    /no such setting/,
  ],
  ['no id', withNode(sampleNode(2, { id: undefined })), 'nodes[1].id', /^It is missing/],
  [
    'an id that is a path',
    withNode(sampleNode(2, { id: '../n2' })),
    'nodes[1].id',
    /neither "\." nor "\.\.", not "\.\.\/n2"/,
  ],
  ['an id of two dots', withNode(sampleNode(2, { id: '..' })), 'nodes[1].id', /not "\.\."/],
  ['an id that is too long', withNode(sampleNode(2, { id: 'n'.repeat(65) })), 'nodes[1].id', /not "n{59}…/],
  ['an id twice', withNode(sampleNode(2, { id: 'n1' })), 'nodes[1].id', /nodes\[0\] has this id too\. Each/],
  [
    'ids that differ in case only',
    withNode(sampleNode(2, { id: 'N1' })),
    'nodes[1].id',
    /too, but for upper and lower case/,
  ],
  ['no host', withNode(sampleNode(2, { host: undefined })), 'nodes[1].host', /^It is missing/],
  [
    'a host with a scheme',
    withNode(sampleNode(2, { host: 'http://a' })),
    'nodes[1].host',
    /without scheme, port and brackets, not "http:\/\/a"/,
  ],
  ['a host with a port', withNode(sampleNode(2, { host: 'a:1' })), 'nodes[1].host', /without scheme/],
  [
    'a slip in an IP address',
    withNode(sampleNode(2, { host: '127.0.0.256' })),
    'nodes[1].host',
    /IP address/,
  ],
  [
    'a host that nobody can call',
    withNode(sampleNode(2, { host: '0.0.0.0' })),
    'nodes[1].host',
    /put it into "bind"/,
  ],
  ['a bind that is no address', withNode(sampleNode(2, { bind: '' })), 'nodes[1].bind', /IP address.*not ""/],
  [
    'a port of text',
    withNode(sampleNode(2, { httpPort: '7002' })),
    'nodes[1].httpPort',
    /whole number from 1 to 65535, not "7002"/,
  ],
  ['port 0', withNode(sampleNode(2, { peerPort: 0 })), 'nodes[1].peerPort', /from 1 to 65535, not 0/],
  ['a port above all', withNode(sampleNode(2, { peerPort: 65_536 })), 'nodes[1].peerPort', /not 65536/],
  ['half a port', withNode(sampleNode(2, { peerPort: 70.5 })), 'nodes[1].peerPort', /whole number.*not 70.5/],
  [
    'one port for both',
    withNode(sampleNode(2, { peerPort: 7002 })),
    'nodes[1].peerPort',
    /127\.0\.0\.1:7002 is taken by nodes\[1\]\.httpPort/,
  ],
  [
    'a port of another node',
    withNode(sampleNode(2, { httpPort: 7101 })),
    'nodes[1].httpPort',
    /taken by nodes\[0\]\.peerPort/,
  ],
  [
    'a zone named like a node without one',
    withNode(sampleNode(2, { zone: 'n3' })),
    'nodes[2]',
    /nodes\[1\]\.zone names too\. Give it a zone/,
  ],
  [
    'partitions that are no power of two',
    sampleFile({ partitions: 250 }),
    'partitions',
    /power of two from 8 to 65536, not 250/,
  ],
  ['too few partitions', sampleFile({ partitions: 4 }), 'partitions', /not 4/],
  ['too many partitions', sampleFile({ partitions: 131_072 }), 'partitions', /not 131072/],
  ['an empty data directory', sampleFile({ dataDir: ' ' }), 'dataDir', /path of a directory, not " "/],
  ['defaults that are no object', sampleFile({ defaults: 3 }), 'defaults', /may have "n", "r", "w", not 3/],
  [
    'n above the number of nodes',
    sampleFile({ defaults: { n: 4 } }),
    'defaults.n',
    /at most 3, the number of nodes, not 4/,
  ],
  ['n of 0', sampleFile({ defaults: { n: 0 } }), 'defaults.n', /from 1 to 64, not 0/],
  [
    'n of text, with an r that would fit no default',
    sampleFile({ defaults: { n: '9', r: 9 } }),
    'defaults.n',
    /not "9"/,
  ],
  ['r above n', sampleFile({ defaults: { n: 2, r: 3 } }), 'defaults.r', /at most 2, which is n here, not 3/],
  ['w above n', sampleFile({ defaults: { w: 4 } }), 'defaults.w', /at most 3, which is n here/],
  ['w of 0', sampleFile({ defaults: { w: 0 } }), 'defaults.w', /not 0/],
  ['buckets in a list', sampleFile({ buckets: [] }), 'buckets', /property for each bucket, not a list/],
  [
    'a bad bucket name',
    sampleFile({ buckets: { 'a b': {} } }),
    'buckets["a b"]',
    /name of a bucket, not "a b"\. That is 1 to 64/,
  ],
  [
    'an unknown mode',
    sampleFile({ buckets: { a: { mode: 'CAS' } } }),
    'buckets.a.mode',
    /one of "mixed", "cas", not "CAS"\. Did you mean "cas"\?/,
  ],
  [
    'an unknown key of a bucket',
    sampleFile({ buckets: { a: { N: 3 } } }),
    'buckets.a.N',
    /Did you mean "n"\?/,
  ],
  [
    'n of a bucket above the number of nodes',
    sampleFile({ buckets: { a: { n: 5 } } }),
    'buckets.a.n',
    /at most 3/,
  ],
  [
    'r of a bucket above the default n',
    sampleFile({ buckets: { a: { r: 4 } } }),
    'buckets.a.r',
    /at most 3, which is n here/,
  ],
  ['w of a bucket above its n', sampleFile({ buckets: { a: { n: 1, w: 2 } } }), 'buckets.a.w', /at most 1/],
  [
    'a limit of 0',
    sampleFile({ limits: { maxValueBytes: 0 } }),
    'limits.maxValueBytes',
    /whole number of bytes from 1 to/,
  ],
  [
    'records smaller than values',
    sampleFile({ limits: { maxRecordBytes: 10 } }),
    'limits.maxRecordBytes',
    /at least limits\.maxValueBytes, which is 1048576/,
  ],
  [
    'a share of more than all',
    sampleFile({ reads: { askAllShare: 1.5 } }),
    'reads.askAllShare',
    /a number from 0 to 1, not 1\.5/,
  ],
  ['fsync as text', sampleFile({ storage: { fsync: 'yes' } }), 'storage.fsync', /true or false, not "yes"/],
  ['a negative reserve', sampleFile({ storage: { reserveBytes: -1 } }), 'storage.reserveBytes', /from 0 to/],
  [
    'a tiny write buffer',
    sampleFile({ storage: { writeBufferBytes: 1 } }),
    'storage.writeBufferBytes',
    /from 65536 to/,
  ],
  [
    'an origin with a path',
    sampleFile({ cors: { origins: ['https://a.example/'] } }),
    'cors.origins[0]',
    /Did you mean "https:\/\/a\.example"\?/,
  ],
  [
    'an origin that is none',
    sampleFile({ cors: { origins: ['*', 'a.example'] } }),
    'cors.origins[1]',
    /"\*" or an origin like/,
  ],
  ['origins as text', sampleFile({ cors: { origins: '*' } }), 'cors.origins', /a list of origins, not "\*"/],
  [
    'a token without access',
    sampleFile({ auth: { tokens: [{ token: 'abcdefgh' }] } }),
    'auth.tokens[0].access',
    /^It is missing.*"read", "write"/,
  ],
  [
    'a token twice',
    sampleFile({ auth: { tokens: [token('read'), token('write')] } }),
    'auth.tokens[1].token',
    /token of auth\.tokens\[0\] too/,
  ],
  [
    'a log level that is none',
    sampleFile({ log: { level: 'verbos' } }),
    'log.level',
    /one of "fatal", "error"/,
  ],
];

function manyNodes(count: number): readonly object[] {
  return Array.from({ length: count }, (_, index) => sampleNode(index, { host: `host-${index}` }));
}

function withNode(second: unknown): object {
  return sampleFile({ nodes: [sampleNode(1), second, sampleNode(3)] });
}

function token(access: string): object {
  return { token: 'abcdefgh', access };
}

describe('a mistake', () => {
  it.each(MISTAKES)('%s', (_what, file, path, message) => {
    expect(problemsOf(file)).toEqual([{ path, message: expect.stringMatching(message) as string }]);
  });

  it('of a secret is reported without the secret', () => {
    const file = sampleFile({
      peerSecret: 'hush',
      auth: { tokens: [{ token: 'sesame!', access: 'read' }, 'sesame?'] },
    });
    const problems = problemsOf(file);
    expect(problems.map(({ path }) => path)).toEqual([
      'auth.tokens[0].token',
      'auth.tokens[1]',
      'peerSecret',
    ]);
    expect(JSON.stringify(problems)).not.toMatch(/hush|sesame/);
  });
});

describe('mistakes', () => {
  it('are all reported at once, those that depend on other values too', () => {
    const file = sampleFile({
      cluster: '',
      partitions: 100,
      nodes: [
        sampleNode(1, { httpPort: 'x' }),
        sampleNode(1, { httpport: 1 }),
        7,
        sampleNode(4, { zone: '/' }),
      ],
      defaults: { n: 5, r: 6 },
      buckets: { good: {}, bad: { n: 9 }, 'worse/': { mode: 'x' } },
      storage: { fsync: 1 },
      log: 'debug',
      extra: true,
    });
    expect(new Set(problemsOf(file).map(({ path }) => path))).toEqual(
      new Set([
        'cluster',
        'partitions',
        'nodes[0].httpPort',
        'nodes[1].httpport',
        'nodes[1].id',
        'nodes[1].peerPort',
        'nodes[2]',
        'nodes[3].zone',
        'defaults.n',
        'buckets.bad.n',
        'buckets["worse/"]',
        'buckets["worse/"].mode',
        'storage.fsync',
        'log',
        'extra',
      ]),
    );
  });

  it('include a property that is given twice, of which JSON keeps the last', () => {
    const text = JSON.stringify(sampleFile({ buckets: { a: { n: 1 } } })).replace(
      '{"n":1}',
      '{"n":1},\n"a":{"n":2}',
    );
    expect(problemsOf(text)).toEqual([
      { path: 'buckets.a', message: 'It is set a second time in line 2. One of the two has to go.' },
    ]);
  });
});
