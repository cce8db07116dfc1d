/** What is wrong with a configuration, and where. */

/** From the root of the file down to one setting, or to where one should be. */
export type SettingPath = readonly (string | number)[];

/** One mistake. All of them are reported together, because people who correct one by one lose patience. */
export interface ConfigurationProblem {
  /** As people write it, for instance `nodes[1].httpPort`; empty where it concerns the file as a whole. */
  readonly path: string;
  /** The environment variable that the value came from, if one did. */
  readonly variable?: string;
  /** Sentences: what is wrong, and what is allowed. Never holds a secret. */
  readonly message: string;
}

const PLAIN_NAME = /^[A-Za-z_$][A-Za-z0-9_$]*$/;

/** `nodes[1].httpPort`; names that are no identifiers stand in brackets: `buckets["a-b"].n`. */
export function formatPath(path: SettingPath): string {
  let text = '';
  for (const segment of path) {
    if (typeof segment === 'number') text += `[${segment}]`;
    else if (!PLAIN_NAME.test(segment)) text += `[${JSON.stringify(segment)}]`;
    else text += text === '' ? segment : `.${segment}`;
  }
  return text;
}

/**
 * Collects problems, one for each path: after the first, further ones of the same value are its echo. Knows which
 * variable set a path, so that a problem names what has to be changed.
 */
export class ProblemList {
  readonly #problems: ConfigurationProblem[] = [];
  readonly #paths = new Set<string>();
  readonly #variables: ReadonlyMap<string, string>;

  /** `variables`: the environment variable that set a path, by the path's text. */
  constructor(variables: ReadonlyMap<string, string> = new Map()) {
    this.#variables = variables;
  }

  get all(): readonly ConfigurationProblem[] {
    return this.#problems;
  }

  add(path: SettingPath, message: string): void {
    const text = formatPath(path);
    if (this.#paths.has(text)) return;
    this.#paths.add(text);
    const variable = this.#variableOf(path);
    this.#problems.push(variable === undefined ? { path: text, message } : { path: text, variable, message });
  }

  /** Of the path, or of the list that it is an element of: one variable sets a whole list. */
  #variableOf(path: SettingPath): string | undefined {
    for (let length = path.length; length > 0; length -= 1) {
      const variable = this.#variables.get(formatPath(path.slice(0, length)));
      if (variable !== undefined) return variable;
    }
    return undefined;
  }

  /** Whether this very path has a problem. */
  has(path: SettingPath): boolean {
    return this.#paths.has(formatPath(path));
  }
}
