/** A copy of the sources with one planted bug, in a temporary directory of its own. */
import { rmSync } from 'node:fs';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Edit } from './mutant.ts';

const COPIED = ['src', 'test/sim', 'package.json', 'tsconfig.json'];

/** Trees that were planted and not removed: this process takes them along when it ends in between. */
const standing = new Set<string>();

process.on('exit', () => {
  for (const directory of standing) rmSync(directory, { recursive: true, force: true });
});

export interface PlantedTree {
  readonly directory: string;
  readonly remove: () => Promise<void>;
}

/** Rejects if an edit does not fit. `root` is the project's directory; the tree is planted in `parent`. */
export async function plantTree(
  root: string,
  edits: readonly Edit[],
  parent = tmpdir(),
): Promise<PlantedTree> {
  const directory = await mkdtemp(join(parent, 'quorate-mutant-'));
  standing.add(directory);
  const remove = async (): Promise<void> => {
    await rm(directory, { recursive: true, force: true });
    standing.delete(directory);
  };
  try {
    for (const name of COPIED) await cp(join(root, name), join(directory, name), { recursive: true });
    await symlink(join(root, 'node_modules'), join(directory, 'node_modules'), 'dir');
    for (const { file, find, replace } of edits) {
      const path = join(directory, file);
      await writeFile(path, planted(file, await readFile(path, 'utf8'), { find, replace }));
    }
  } catch (error) {
    await remove();
    throw error;
  }
  return { directory, remove };
}

/** The text with the one occurrence of `find` replaced. Throws unless there is exactly one. */
export function planted(
  file: string,
  text: string,
  { find, replace }: Pick<Edit, 'find' | 'replace'>,
): string {
  const parts = text.split(find);
  if (parts.length !== 2) {
    throw new Error(`${file} holds ${parts.length - 1} times, not once: ${find}`);
  }
  return parts.join(replace);
}
