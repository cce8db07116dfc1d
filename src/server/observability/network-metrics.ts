/** What a node sends to others: by it and the number of requests one sees what a request costs on the wire. */
import { Counter, type Registry } from 'prom-client';

/** Totals since the node started. */
export interface SentTotals {
  readonly messages: number;
  readonly bytes: number;
}

/** Asks for the totals whenever it is scraped. */
export function watchSentMessages(registry: Registry, sent: () => SentTotals): void {
  const counter = (name: string, help: string, valueOf: (totals: SentTotals) => number): Counter =>
    new Counter({
      name,
      help,
      registers: [registry],
      collect() {
        this.reset();
        this.inc(valueOf(sent()));
      },
    });
  counter('quorate_peer_messages_sent_total', 'Messages sent to other nodes.', ({ messages }) => messages);
  counter('quorate_peer_bytes_sent_total', 'Bytes of these, framed.', ({ bytes }) => bytes);
}
