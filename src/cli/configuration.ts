import type { Command } from 'commander';
import type { Terminal } from './terminal.ts';
export const DEFAULT_CONFIGURATION_FILE = 'cluster.config.json';
export interface ConfigurationOptions {
  readonly config?: string;
  readonly data?: string;
}
export interface ConfiguredNode {
  readonly id: string;
  readonly url: string;
  readonly bind: string;
  readonly httpPort: number;
  readonly peerPort: number;
}
export interface Configuration {
  readonly file: string;
  readonly dataDirectory: string;
  readonly nodes: readonly ConfiguredNode[];
}
export function addConfigurationOptions(command: Command): Command {
  return command.option('--config <file>', 'f').option('--data <dir>', 'd');
}
export async function loadConfiguration(
  _terminal: Terminal,
  _options: ConfigurationOptions,
): Promise<Configuration> {
  throw new Error('stub');
}
