import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { DEFAULT_CONFIGURATION_FILE, loadConfiguration } from './configuration.ts';
import type { Terminal } from './terminal.ts';

/** Base URLs of the nodes of the configuration file in the working directory; undefined if there is none. */
export async function configuredNodeUrls(terminal: Terminal): Promise<readonly string[] | undefined> {
  if (!existsSync(resolve(terminal.workingDirectory, DEFAULT_CONFIGURATION_FILE))) return undefined;
  const { nodes } = await loadConfiguration(terminal, {});
  return nodes.map(({ url }) => url);
}
