/**
 * Reads cluster.config.json: the file, the environment variables that override it, and the defaults make one
 * configuration, or a list of everything that is wrong with it. Nothing of a configuration with a mistake is used: a
 * cluster that runs on a guess keeps its data by that guess.
 */
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { configurationEpoch } from '../codec/hash.ts';
import type { ClusterConfig } from '../core/cluster-config.ts';
import type { ConfigurationEpoch } from '../core/ids.ts';
import { checkTogether } from './configuration/cross-checks.ts';
import { clusterConfig, nodeSettings } from './configuration/defaults.ts';
import { applyEnvironment, type Environment } from './configuration/environment.ts';
import { findJsonMistakes } from './configuration/json-mistakes.ts';
import { formatPath, type ConfigurationProblem, ProblemList } from './configuration/problem.ts';
import { rawDocument, type RawDocument } from './configuration/raw-document.ts';
import { shown } from './configuration/rules.ts';
import { fileSchema } from './configuration/schema.ts';
import { checkValues } from './configuration/value-checks.ts';
import type { NodeSettings } from './node-settings.ts';

export type { ConfigurationProblem } from './configuration/problem.ts';

/** Where a configuration comes from. */
export interface ConfigurationSource {
  /** Absolute path. */
  readonly file: string;
  readonly environment: Environment;
  /** Absolute path that stands in for `dataDir`, whatever file and environment say. */
  readonly dataDirectory?: string;
}

/** A configuration, or all that is wrong with it. */
export type ConfigurationResult =
  | {
      readonly type: 'valid';
      readonly config: ClusterConfig;
      readonly settings: NodeSettings;
      readonly epoch: ConfigurationEpoch;
      /** Names of the environment variables in use, by the path of the setting that each overrides. */
      readonly variables: ReadonlyMap<string, string>;
    }
  | {
      readonly type: 'invalid';
      /** Never empty; in the order of the checks. */
      readonly problems: readonly ConfigurationProblem[];
      /** Whether the only problem is that there is no file. */
      readonly isMissing: boolean;
    };

/** Never rejects for what is wrong with the file or the environment. */
export async function readConfiguration(source: ConfigurationSource): Promise<ConfigurationResult> {
  let text: string;
  try {
    text = await readFile(source.file, 'utf8');
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    return { type: 'invalid', isMissing, problems: [{ path: '', message: unreadable(error) }] };
  }
  return parseConfiguration(text, source);
}

/** The same for a text that was read already. */
export function parseConfiguration(text: string, source: ConfigurationSource): ConfigurationResult {
  // Some editors begin a file with a byte order mark, which JSON does not have.
  const json = text.replace(/^\uFEFF/, '');
  const { syntax, duplicates } = findJsonMistakes(json);
  if (syntax !== undefined) return invalid([{ path: '', message: `This is not JSON. ${syntax}` }]);
  const parsed: unknown = JSON.parse(json);
  const document = rawDocument(parsed);
  if (document === undefined) {
    return invalid([{ path: '', message: `The file must hold an object, not ${shown(parsed)}.` }]);
  }
  const repeated = duplicates.map(({ path, line }) => ({
    path: formatPath(path),
    message: `It is set a second time in line ${line}. One of the two has to go.`,
  }));
  return checkDocument(document, source, repeated);
}

function checkDocument(
  document: RawDocument,
  source: ConfigurationSource,
  found: readonly ConfigurationProblem[],
): ConfigurationResult {
  const overrides = applyEnvironment(document, source.environment);
  const list = new ProblemList(overrides.variables);
  checkTogether(checkValues(document, list), list);
  const problems = [...found, ...list.all, ...overrides.problems];
  if (problems.length > 0) return invalid(problems);
  const valid = fileSchema.parse(document);
  const config = clusterConfig(valid);
  const settings = nodeSettings(valid, dirname(source.file));
  return {
    type: 'valid',
    config,
    settings: source.dataDirectory === undefined ? settings : { ...settings, dataDir: source.dataDirectory },
    epoch: configurationEpoch(config),
    variables: overrides.variables,
  };
}

function invalid(problems: readonly ConfigurationProblem[]): ConfigurationResult {
  return { type: 'invalid', isMissing: false, problems };
}

function unreadable(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return 'There is no such file. Name another, or write one.';
  if (code === 'EISDIR') return 'It is a directory.';
  if (code === 'EACCES') return 'The user of this process may not read it.';
  return `It cannot be read: ${message}.`;
}
