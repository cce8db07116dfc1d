/**
 * Looks at a data directory before LevelDB does, which would put its files among any others: a mistyped path must not
 * fill somebody's directory. A store of another node or cluster is recognised later, from what it says of itself.
 */
import { readdir } from 'node:fs/promises';
import { StartFailure } from './start-failure.ts';

/** LevelDB's files. Those of a store whose creation was cut short are among them. */
const STORE_FILE = /^(?:CURRENT|LOCK|LOG|LOG\.old|MANIFEST-\d+|\d+\.(?:log|ldb|sst|dbtmp))$/;
/** Nobody's data: hidden files, and what a file system puts into its root. */
const NO_DATA = /^(?:\..*|lost\+found)$/;

/** Rejects with a StartFailure if there are files that belong to no store. A directory that is missing or unreadable passes: opening it tells. */
export async function refuseOccupiedDirectory(directory: string): Promise<void> {
  let names: readonly string[];
  try {
    names = await readdir(directory);
  } catch {
    return;
  }
  if (names.includes('CURRENT')) return;
  const stranger = names.find((name) => !STORE_FILE.test(name) && !NO_DATA.test(name));
  if (stranger === undefined) return;
  throw new StartFailure(
    'configuration',
    'data-directory-occupied',
    `The data directory ${directory} holds other files (${JSON.stringify(stranger)}) and no store. Name another directory, or move them away.`,
  );
}
