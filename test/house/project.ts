/** Where the project lies, and its files as the house tests see them. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The top level of the project, absolute. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** All TypeScript files in a directory of the project, as sorted paths from the top level, with `/`. */
export function typeScriptFiles(directory: string): readonly string[] {
  return readdirSync(join(ROOT, directory), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => `${directory}/${name.replaceAll('\\', '/')}`)
    .sort();
}

/** The text of a file, given by its path from the top level. */
export function textOf(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}
