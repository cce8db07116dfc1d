/** Turns the nodes' log lines (pino's JSON) into lines for people. */
import { printable } from '../terminal.ts';

const LEVELS: ReadonlyMap<number, string> = new Map([
  [10, 'trace'],
  [20, 'debug'],
  [30, 'info'],
  [40, 'warn'],
  [50, 'error'],
  [60, 'fatal'],
]);
const ERROR_LEVEL = 50;
/** Said by the prefix, or of no use to who reads along. */
const LEFT_OUT = new Set(['level', 'time', 'pid', 'hostname', 'msg', 'node', 'name', 'v']);

/** SGR codes: red, yellow, dim, and one colour for each node in turn. */
const RED = '31';
const YELLOW = '33';
const DIM = '2';
const NODE_COLOURS = ['36', '32', '35', '34', '33', '96', '92', '95'];

/** How to write a line. */
export interface LogLineStyle {
  readonly coloured: boolean;
  /** The node's name, and its place among the nodes, which gives its colour. Undefined: no prefix. */
  readonly node: { readonly id: string; readonly index: number; readonly width: number } | undefined;
}

/** `12:30:01.250 n1  info   message field=value`; what is no JSON log line is passed on with the prefix alone. */
export function formatLogLine(line: string, style: LogLineStyle): string {
  const entry = parse(line);
  const prefix = nodePrefix(style);
  if (entry === undefined) return `${prefix}${printable(line)}`;
  const level = Number(entry.get('level'));
  const levelName = (LEVELS.get(level) ?? String(level)).padEnd(5);
  const message = printable(messageOf(entry.get('msg')));
  const head = `${paint(timeOf(entry.get('time')), DIM, style.coloured)} ${prefix}${paintLevel(levelName, level, style)}`;
  return [`${head} ${message}`.trimEnd(), ...fieldsOf(entry)].join(' ') + stackOf(entry, level);
}

function messageOf(msg: unknown): string {
  if (msg === undefined || msg === null) return '';
  return typeof msg === 'string' ? msg : JSON.stringify(msg);
}

function parse(line: string): ReadonlyMap<string, unknown> | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const entry = new Map<string, unknown>(Object.entries(JSON.parse(line) as object));
    return typeof entry.get('level') === 'number' ? entry : undefined;
  } catch {
    return undefined;
  }
}

function nodePrefix(style: LogLineStyle): string {
  if (style.node === undefined) return '';
  const colour = NODE_COLOURS[style.node.index % NODE_COLOURS.length] ?? DIM;
  return `${paint(style.node.id.padEnd(style.node.width), colour, style.coloured)}  `;
}

function paintLevel(name: string, level: number, style: LogLineStyle): string {
  if (level >= ERROR_LEVEL) return paint(name, RED, style.coloured);
  return level >= 40 ? paint(name, YELLOW, style.coloured) : name;
}

function paint(text: string, code: string, coloured: boolean): string {
  return coloured ? `\u001b[${code}m${text}\u001b[0m` : text;
}

function timeOf(time: unknown): string {
  const date = new Date(typeof time === 'number' || typeof time === 'string' ? time : Number.NaN);
  return Number.isNaN(date.getTime()) ? '            ' : date.toISOString().slice(11, 23);
}

function fieldsOf(entry: ReadonlyMap<string, unknown>): readonly string[] {
  return [...entry]
    .filter(([name, value]) => !LEFT_OUT.has(name) && value !== undefined)
    .map(([name, value]) => `${printable(name)}=${printable(fieldText(value))}`);
}

function fieldText(value: unknown): string {
  if (typeof value === 'string') return /^[^\s="]+$/.test(value) ? value : JSON.stringify(value);
  const message = errorPart(value, 'message');
  return message === undefined ? JSON.stringify(value) : JSON.stringify(message);
}

/** The stack of a logged error, indented; only errors have use for it. */
function stackOf(entry: ReadonlyMap<string, unknown>, level: number): string {
  const stack = level >= ERROR_LEVEL ? errorPart(entry.get('err'), 'stack') : undefined;
  if (stack === undefined) return '';
  const frames = stack.split('\n').filter((frame) => frame.trimStart().startsWith('at '));
  return frames.map((frame) => `\n    ${printable(frame.trim())}`).join('');
}

function errorPart(value: unknown, part: 'message' | 'stack'): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const found = (value as Readonly<Record<string, unknown>>)[part];
  return typeof found === 'string' ? found : undefined;
}
