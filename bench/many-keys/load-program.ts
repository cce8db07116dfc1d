/** The process that fills one store: a process of its own, so that its memory ends with it. */
import { readConfiguration } from '../../src/server/config-file.ts';
import type { NodeId } from '../../src/core/ids.ts';
import { loadStore } from './store-load.ts';

/** Keys between two lines of progress. */
const PROGRESS_KEYS = 1_000_000;

/** Which store to fill with what. */
export interface StoreLoadJob {
  readonly configurationFile: string;
  readonly nodeId: string;
  readonly directory: string;
  readonly keys: number;
  readonly valueBytes: number;
}

/** What is said on the way, and last. */
export type StoreLoadReply =
  | { readonly type: 'progress'; readonly keys: number }
  | { readonly type: 'done' }
  | { readonly type: 'failed'; readonly reason: string };

async function load({ configurationFile, nodeId, ...job }: StoreLoadJob): Promise<void> {
  const read = await readConfiguration({ file: configurationFile, environment: {} });
  if (read.type === 'invalid') throw new Error(read.problems.map(({ message }) => message).join(' '));
  const { config, settings } = read;
  let told = 0;
  await loadStore({
    ...job,
    config,
    nodeId: nodeId as NodeId,
    writeBufferBytes: settings.storage.writeBufferBytes,
    onProgress: (keys) => {
      if (keys < told + PROGRESS_KEYS) return;
      told = keys;
      reply({ type: 'progress', keys });
    },
  });
}

process.on('message', (job: StoreLoadJob) => {
  load(job).then(
    () => reply({ type: 'done' }),
    (error: unknown) => reply({ type: 'failed', reason: String(error) }),
  );
});
// When the bench is gone, however it ended, nobody wants the data.
process.on('disconnect', () => process.exit(0));

function reply(message: StoreLoadReply): void {
  process.send?.(message);
}
