import { hostAndPort } from '../host-and-port.ts';
import type { AppOptions } from './app-options.ts';
import { getEntry } from './get-entry.ts';
import { livez, readyz } from './health.ts';
import { helpText } from './help-text.ts';
import { inspectEntry } from './inspect.ts';
import type { EntryService } from './operation.ts';
import { settleWrite } from './outcome.ts';
import { jsonReply, textReply, type Reply } from './reply.ts';
import type { Handlers } from './routes.ts';
import { deleteEntry, putEntry } from './write-entry.ts';
import { clusterBody, ringBody } from './topology.ts';

/** Binds every handler to the parts it works with. */
export function createHandlers(options: AppOptions): Handlers {
  const { node, config, admission, freeSpace, metrics } = options;
  const service: EntryService = { node, config, refuseIfFull: () => freeSpace.refuseIfLow() };
  const readiness = { node, isDraining: () => admission.draining, isFull: () => freeSpace.isLow };
  const ring = remembered(() => `${JSON.stringify(ringBody(options))}\n`);
  return {
    getEntry: (exchange) => getEntry(service, exchange),
    putEntry: (exchange) => putEntry(service, exchange),
    deleteEntry: (exchange) => deleteEntry(service, exchange),
    inspect: (exchange) => inspectEntry(service, exchange),
    outcome: (exchange) => settleWrite(service, exchange),
    ring: () => jsonText(ring()),
    cluster: () => jsonReply(clusterBody(options)),
    livez: () => livez(node),
    readyz: (exchange) => readyz(readiness, exchange),
    metrics: async () => ({
      status: 200,
      headers: { 'Content-Type': metrics.registry.contentType },
      body: await metrics.registry.metrics(),
    }),
    openapi: async () => jsonText(await openApiText()),
    help: () => textReply(helpText(node.nodeId, urlOf(options))),
  };
}

/** Loaded when it is first asked for: the generator takes memory that most nodes never need. */
async function openApiText(): Promise<string> {
  const { OPENAPI_TEXT } = await import('./openapi.ts');
  return OPENAPI_TEXT;
}

function urlOf({ node, config }: AppOptions): string {
  const self = config.nodes.find(({ id }) => id === node.nodeId);
  return self === undefined ? '' : `http://${hostAndPort(self.host, self.httpPort)}`;
}

function jsonText(body: string): Reply {
  return { status: 200, headers: { 'Content-Type': 'application/json' }, body };
}

function remembered(make: () => string): () => string {
  let text: string | undefined;
  return () => (text ??= make());
}
