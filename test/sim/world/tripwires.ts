/**
 * A run is a function of its seed only if nothing in it asks the machine for time, chance or I/O. Ways to ask are replaced, once
 * for this process, by functions that throw while a tripwire is armed and do what they always did while it is not. What
 * tripped is also kept, because whoever called may catch what is thrown.
 *
 * They stand on the objects that everybody shares (`Date`, `Math`, the exports of Node's modules, synced to their ESM names), so
 * neither an import nor a global reaches around them. A function that was taken from its object before the first guard
 * existed does: the simulator's own setImmediate is one. The lint rules of the pure rooms forbid that to production code, and
 * the resources that are open after each slice (determinism-guard.ts) show what is left.
 */
import { createRequire, syncBuiltinESMExports } from 'node:module';

/** Something was asked of the machine by code that must be a function of the seed. */
export class TripwireError extends Error {
  override readonly name = 'TripwireError';
}

type Callable = (this: unknown, ...args: unknown[]) => unknown;
type Properties = Record<string, unknown>;

let armed = false;
let installed = false;
let firstTripped: TripwireError | undefined;

/** Arms the tripwires; the first call puts them in place. */
export function armTripwires(): void {
  if (!installed) install();
  armed = true;
}

/** Disarms them. Answers what tripped since they were armed. */
export function disarmTripwires(): TripwireError | undefined {
  armed = false;
  const tripped = firstTripped;
  firstTripped = undefined;
  return tripped;
}

function trip(what: string): void {
  if (!armed) return;
  const error = new TripwireError(`simulated code used ${what}`);
  firstTripped ??= error;
  throw error;
}

/** Whole modules whose functions reach out of the process; their classes are made by those functions. */
const FORBIDDEN_MODULES = ['child_process', 'dns', 'dns/promises', 'fs', 'fs/promises', 'os'];

const FORBIDDEN_EXPORTS: Readonly<Record<string, readonly string[]>> = {
  crypto: [
    ...['randomBytes', 'randomInt', 'randomFill', 'randomFillSync', 'randomUUID', 'generateKey'],
    ...['generateKeyPair', 'generateKeyPairSync', 'pbkdf2', 'scrypt', 'hkdf'],
  ],
  dgram: ['createSocket'],
  http: ['request', 'get', 'createServer'],
  https: ['request', 'get', 'createServer'],
  net: ['connect', 'createConnection', 'createServer'],
  timers: ['setTimeout', 'setInterval', 'setImmediate'],
  'timers/promises': ['setTimeout', 'setInterval', 'setImmediate'],
  zlib: ['deflate', 'inflate', 'gzip', 'gunzip', 'deflateRaw', 'inflateRaw', 'unzip', 'brotliCompress'],
};

const FORBIDDEN_METHODS: readonly (readonly [what: string, owner: object, names: readonly string[]])[] = [
  ['', globalThis, ['setTimeout', 'setInterval', 'setImmediate', 'fetch']],
  ['Date.', Date, ['now']],
  ['Math.', Math, ['random']],
  ['performance.', Object.getPrototypeOf(performance) as object, ['now']],
  // Before the function that has it, which takes its properties along.
  ['process.hrtime.', process.hrtime, ['bigint']],
  ['process.', process, ['hrtime', 'uptime', 'memoryUsage', 'cpuUsage', 'resourceUsage']],
  ['AbortSignal.', AbortSignal, ['timeout']],
  ['crypto.', Object.getPrototypeOf(crypto) as object, ['getRandomValues', 'randomUUID']],
  [
    'crypto.subtle.',
    Object.getPrototypeOf(crypto.subtle) as object,
    ['digest', 'sign', 'verify', 'encrypt', 'decrypt', 'generateKey', 'deriveBits', 'deriveKey', 'importKey'],
  ],
  // They depend on the machine's locale.
  ['String.prototype.', String.prototype, ['localeCompare', 'toLocaleLowerCase', 'toLocaleUpperCase']],
  ['Number.prototype.', Number.prototype, ['toLocaleString']],
];

/** They show when garbage is collected, or wake up in a macrotask. */
const FORBIDDEN_CLASSES = ['WeakRef', 'FinalizationRegistry', 'MessageChannel', 'BroadcastChannel'];

function install(): void {
  installed = true;
  for (const [what, owner, names] of FORBIDDEN_METHODS) {
    for (const name of names) guardMethod(owner as Properties, name, `${what}${name}`);
  }
  const load = createRequire(import.meta.url);
  for (const module of FORBIDDEN_MODULES) {
    const exports = load(`node:${module}`) as Properties;
    for (const name of Object.keys(exports))
      if (isPlainFunction(exports, name)) guardExport(exports, module, name);
  }
  for (const [module, names] of Object.entries(FORBIDDEN_EXPORTS)) {
    for (const name of names) guardExport(load(`node:${module}`) as Properties, module, name);
  }
  for (const name of FORBIDDEN_CLASSES) guardClass(name);
  guardDate();
  syncBuiltinESMExports();
}

/** A function by its name, not a class: those begin with a capital letter. */
function isPlainFunction(exports: Properties, name: string): boolean {
  const descriptor = Object.getOwnPropertyDescriptor(exports, name);
  return typeof descriptor?.value === 'function' && /^[a-z]/.test(name);
}

function guardExport(exports: Properties, module: string, name: string): void {
  guardMethod(exports, name, `${name} of node:${module}`);
}

/** A function with the properties of the original, such as `hrtime.bigint`, that trips before it does the same. */
function guardMethod(owner: Properties, name: string, what: string): void {
  const descriptor = Object.getOwnPropertyDescriptor(owner, name);
  const original = descriptor?.value as Callable;
  const guarded = function (this: unknown, ...args: unknown[]): unknown {
    trip(what);
    return original.apply(this, args);
  };
  Object.defineProperties(guarded, Object.getOwnPropertyDescriptors(original));
  Object.defineProperty(owner, name, { ...descriptor, value: guarded });
}

function guardClass(name: string): void {
  const globals = globalThis as unknown as Properties;
  globals[name] = new Proxy(globals[name] as new () => object, {
    construct: (target, args, newTarget) => {
      trip(`new ${name}`);
      return Reflect.construct(target, args, newTarget) as object;
    },
  });
}

/** Only the current time is forbidden: a date made of given numbers is a function of them. */
function guardDate(): void {
  globalThis.Date = new Proxy(Date, {
    construct: (target, args, newTarget) => {
      if (args.length === 0) trip('new Date()');
      return Reflect.construct(target, args, newTarget) as object;
    },
    apply: (target) => {
      trip('Date()');
      return target();
    },
  });
}
