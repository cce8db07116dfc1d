import { parseConfiguration, type ConfigurationProblem } from '../../../src/server/config-file.ts';

/** A valid file of three nodes, to be changed by a test. */
export interface SampleFile {
  cluster: unknown;
  nodes: unknown[];
  [setting: string]: unknown;
}

/** One node's entry; addresses follow from its number. */
export function sampleNode(number: number, changes: object = {}): Record<string, unknown> {
  return {
    id: `n${number}`,
    host: '127.0.0.1',
    httpPort: 7000 + number,
    peerPort: 7100 + number,
    ...changes,
  };
}

/** A valid file with changes. */
export function sampleFile(changes: object = {}): SampleFile {
  return { cluster: 'test', nodes: [sampleNode(1), sampleNode(2), sampleNode(3)], ...changes };
}

/** Reads what is valid; throws with the problems otherwise. */
export function readValid(file: object | string, environment: Readonly<Record<string, string>> = {}) {
  const result = read(file, environment);
  if (result.type === 'valid') return result;
  throw new Error(result.problems.map(({ path, message }) => `${path}: ${message}`).join('\n'));
}

/** The problems of what is not valid. */
export function problemsOf(
  file: object | string,
  environment: Readonly<Record<string, string>> = {},
): readonly ConfigurationProblem[] {
  const result = read(file, environment);
  return result.type === 'valid' ? [] : result.problems;
}

function read(file: object | string, environment: Readonly<Record<string, string>>) {
  const text = typeof file === 'string' ? file : JSON.stringify(file);
  return parseConfiguration(text, { file: '/etc/quorate/cluster.config.json', environment });
}
