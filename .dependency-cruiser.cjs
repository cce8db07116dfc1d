/**
 * The rooms of the code, and the one direction in which they may import each other.
 *
 * Each room has one rule, which forbids everything that its row in the table does not name. So whatever an inner room
 * comes to depend on is a line of this table before it is a line of code. A type-only import counts like any other: it
 * is knowledge too. test/house/rooms.test.ts checks that the rules see every source file and catch what they should.
 */
const { builtinModules } = require('node:module');
const { join } = require('node:path');

const PACKAGES = '(^|/)node_modules/';
const NODE = `^(${builtinModules.join('|')})$`;

/** `rooms`: the rooms it may import beside itself. `outside`: patterns of resolved modules from outside the sources. */
const ROOMS = {
  core: {
    why: 'core holds values and decisions, pure and synchronous: they are tested without clock, disk or network.',
  },
  codec: {
    rooms: ['core'],
    outside: [`${PACKAGES}msgpackr/`, `${PACKAGES}xxhash-wasm/`, '^crypto$'],
    why: 'codec turns values into bytes and back, without effects: it needs a serializer, a hash and an HMAC, no more.',
  },
  ports: {
    rooms: ['core'],
    why: 'ports are interfaces in the words of core. One that imported more would tell how it is implemented.',
  },
  protocol: {
    rooms: ['core', 'codec', 'ports'],
    why: 'protocol reaches time, chance, network and disk through ports only: no simulation controls anything else.',
  },
  adapters: {
    rooms: ['core', 'codec', 'ports'],
    outside: [NODE, `${PACKAGES}level/`],
    why: 'No simulation ever runs an adapter, so nothing clever may be reached from one: no protocol, no HTTP.',
  },
  api: {
    why: 'api is the HTTP contract that server, client and command line share: it drags nothing into any of them.',
  },
  server: {
    rooms: ['core', 'codec', 'ports', 'protocol', 'adapters', 'api'],
    outside: [NODE, PACKAGES],
    why: 'server puts a node together from all inner rooms. It does not know the programs that talk to a node.',
  },
  client: {
    rooms: ['api'],
    why: 'client runs in browsers and has no dependencies: it knows the HTTP contract and the web platform.',
  },
  dashboard: {
    rooms: ['api'],
    why: 'dashboard is a page, and knows the HTTP contract like any other client.',
  },
  cli: {
    rooms: ['api', 'client', 'server'],
    outside: [NODE, PACKAGES],
    why: 'cli talks to nodes through client and starts them through server. It does not reach past either into the store.',
  },
};

const roomRules = Object.entries(ROOMS).map(([room, { rooms = [], outside = [], why }]) => ({
  name: `${room}-imports-inward`,
  comment: why,
  severity: 'error',
  from: { path: `^src/${room}/` },
  to: { pathNot: [...[room, ...rooms].map((name) => `^src/${name}/`), ...outside] },
}));

module.exports = {
  forbidden: [
    ...roomRules,
    {
      name: 'adapters-are-picked-in-one-place',
      comment: 'Only the composition root, in the files of src/server itself, decides what the ports stand on.',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/adapters/', '^src/server/[^/]+$'] },
      to: { path: '^src/adapters/' },
    },
    {
      name: 'no-cycle',
      comment: 'Files that need each other are one file in two places: neither can be read, tested or moved alone.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-orphan',
      comment: 'A file that neither imports nor is imported is dead, or its use was forgotten.',
      severity: 'error',
      from: { orphan: true },
      to: {},
    },
    {
      name: 'no-development-package',
      comment: 'What is published runs without development dependencies, and its declarations are read without them.',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'] },
    },
    {
      name: 'no-unresolved-import',
      comment: 'An import that leads nowhere would escape every rule above.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: join(__dirname, 'tsconfig.json') },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['node', 'import', 'default'],
    },
  },
};
