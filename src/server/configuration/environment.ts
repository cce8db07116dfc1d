/**
 * Environment variables that override settings of the file.
 *
 * The name of a variable is QUORATE_ and the path of its setting in capitals: `storage.fsync` is QUORATE_STORAGE_FSYNC,
 * `limits.maxValueBytes` QUORATE_LIMITS_MAX_VALUE_BYTES. A node is named by its id, not by its place in the list, a
 * bucket by its name, both with `_` for what a variable cannot have: QUORATE_NODES_N1_HTTP_PORT, QUORATE_BUCKETS_ACCOUNTS_N.
 * Variables change what the file declares; they add no nodes or buckets, which all members have to know alike.
 *
 * Values are put into the document before it is checked, so that one set of rules judges both. A value that cannot be
 * read stays the text it is, and those rules refuse it.
 */
import { closestName } from '../did-you-mean.ts';
import {
  settingsOfBucket,
  type KnownSetting,
  settingsOfNode,
  PLAIN_SETTINGS,
  type SettingKind,
} from './known-settings.ts';
import { formatPath, type ConfigurationProblem } from './problem.ts';
import { type RawDocument, rawBucketNames, rawNodes, setValue } from './raw-document.ts';

/** Variables by name, as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

const PREFIX = 'QUORATE_';
/** Read by the command line, not by a node. */
const COMMAND_LINE_VARIABLES: ReadonlySet<string> = new Set([
  'QUORATE_NODES',
  'QUORATE_TOKEN',
  'QUORATE_DEBUG',
]);
/** Kubernetes sets these in every container beside a service whose name begins with "quorate". */
const SERVICE_LINK = /_(?:SERVICE_HOST|SERVICE_PORT(?:_[A-Z0-9_]+)?|PORT_\d+_(?:TCP|UDP|SCTP)(?:_[A-Z]+)?)$/;
const SERVICE_ADDRESS = /^(?:tcp|udp|sctp):\/\//;

interface Overrides {
  /** The variable that set a path, by the path's text. */
  readonly variables: ReadonlyMap<string, string>;
  readonly problems: readonly ConfigurationProblem[];
}

/** Writes the values of all variables into the document. */
export function applyEnvironment(document: RawDocument, environment: Environment): Overrides {
  const settings = settingsByVariable(document);
  const variables = new Map<string, string>();
  const problems: ConfigurationProblem[] = [];
  for (const [variable, value] of Object.entries(environment)) {
    if (value === undefined || !variable.startsWith(PREFIX) || COMMAND_LINE_VARIABLES.has(variable)) continue;
    const [setting, ...others] = settings.get(variable) ?? [];
    if (setting === undefined) {
      if (!isServiceLink(variable, value)) problems.push(unknownVariable(variable, [...settings.keys()]));
    } else if (others.length > 0) {
      problems.push(ambiguousVariable(variable, [setting, ...others]));
    } else if (value === '' && setting.kind !== 'list') {
      problems.push({
        path: formatPath(setting.path),
        variable,
        message: 'It is empty. Give it a value, or unset it.',
      });
    } else if (setValue(document, setting.path, valueOf(value, setting.kind))) {
      variables.set(formatPath(setting.path), variable);
    }
  }
  return { variables, problems };
}

/** Ids and names that differ only in what a variable cannot have share one: more than one setting then. */
function settingsByVariable(document: RawDocument): ReadonlyMap<string, readonly KnownSetting[]> {
  const settings = new Map<string, KnownSetting[]>();
  const add = (variable: string, setting: KnownSetting): void => {
    const named = settings.get(variable);
    if (named === undefined) settings.set(variable, [setting]);
    else named.push(setting);
  };
  for (const setting of PLAIN_SETTINGS) add(variableName(setting.path.map(String)), setting);
  for (const { index, id } of rawNodes(document)) {
    for (const setting of settingsOfNode(index)) add(entityVariable('nodes', id, setting), setting);
  }
  for (const bucket of rawBucketNames(document)) {
    for (const setting of settingsOfBucket(bucket)) add(entityVariable('buckets', bucket, setting), setting);
  }
  return settings;
}

function variableName(words: readonly string[]): string {
  const capitals = words.map((word) => word.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase());
  return PREFIX + capitals.join('_');
}

/** Letters of ids are not split into words: `myNode` is MYNODE. */
function entityVariable(list: 'nodes' | 'buckets', id: string, { path }: KnownSetting): string {
  const name = id
    .toUpperCase()
    .replaceAll(/[^A-Z0-9]/g, '_')
    .toLowerCase();
  return variableName([list, name, String(path.at(-1))]);
}

function valueOf(text: string, kind: SettingKind): unknown {
  switch (kind) {
    case 'number':
      return /^-?\d{1,16}(?:\.\d+)?$/.test(text) ? Number(text) : text;
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : text;
    case 'list':
      return commaSeparated(text);
    case 'tokens':
      return commaSeparated(text).map(tokenOf);
    case 'text':
      return text;
  }
}

function commaSeparated(text: string): readonly string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

/** `write:TOKEN`. Without a colon there is no access, which the rules then ask for. */
function tokenOf(text: string): { readonly access?: string; readonly token: string } {
  const colon = text.indexOf(':');
  return colon === -1 ? { token: text } : { access: text.slice(0, colon), token: text.slice(colon + 1) };
}

function isServiceLink(variable: string, value: string): boolean {
  return SERVICE_LINK.test(variable) || (variable.endsWith('_PORT') && SERVICE_ADDRESS.test(value));
}

/** The prefix, which all have in common, must not make them look alike. */
function unknownVariable(variable: string, known: readonly string[]): ConfigurationProblem {
  const name = variable.slice(PREFIX.length);
  const candidates = [...known, ...COMMAND_LINE_VARIABLES].map((candidate) => candidate.slice(PREFIX.length));
  // Often it is the section that was left out.
  const closest =
    candidates.find((candidate) => candidate.endsWith(`_${name}`)) ?? closestName(name, candidates);
  const suggestion = closest === undefined ? '' : ` Did you mean ${PREFIX}${closest}?`;
  return { path: '', variable, message: `No setting has this variable.${suggestion}` };
}

function ambiguousVariable(variable: string, settings: readonly KnownSetting[]): ConfigurationProblem {
  const paths = settings.map(({ path }) => formatPath(path)).join(' and ');
  return { path: '', variable, message: `It names ${paths} alike. Set them in the file.` };
}
