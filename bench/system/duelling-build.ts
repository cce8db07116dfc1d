/**
 * The program as it would be without what keeps proposers apart: each node proposes what it is asked, and each request has a
 * round of its own. What is left are rounds that outbid each other, with pauses that are drawn and double, as in the papers.
 * It is built of the sources as they are, in a directory of its own.
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { plantTree } from '../../test/sim/mutants/planted-tree.ts';
import { PROJECT_DIRECTORY } from './project-directory.ts';

const EDITS = [
  {
    file: 'src/protocol/coordinator/operation-router.ts',
    find: '!homes.includes(replicas.self) || this.#isForAnother(operation, homes)',
    replace: '!homes.includes(replicas.self) || (false && this.#isForAnother(operation, homes))',
  },
  {
    file: 'src/protocol/paxos/conditional-coordinator.ts',
    find: 'const queue = this.#queues.get(name);',
    replace: 'const queue = undefined as KeyQueue | undefined;',
  },
] as const;

export interface DuellingBuild {
  /** The built command line. */
  readonly program: string;
  readonly remove: () => Promise<void>;
}

/** Rejects if the sources have changed so much that the edits do not fit. `parent`: an existing directory. */
export async function buildDuelling(parent: string): Promise<DuellingBuild> {
  const { directory, remove } = await plantTree(PROJECT_DIRECTORY, EDITS, parent);
  try {
    const compiler = join(PROJECT_DIRECTORY, 'node_modules/typescript/bin/tsc');
    await promisify(execFile)(process.execPath, [compiler], { cwd: directory });
    return { program: join(directory, 'dist/cli/main.js'), remove };
  } catch (error) {
    await remove();
    throw error;
  }
}
