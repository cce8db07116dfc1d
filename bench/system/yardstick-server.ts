/**
 * The yardstick's process: what node:http alone does on this machine, without a store behind it. PUT reads the value and
 * answers 204, GET answers a value of the same length.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { VALUE_BYTES } from '../load/workload.ts';

const value = Buffer.alloc(VALUE_BYTES, 'v');
const valueHeaders = { 'Content-Type': 'application/octet-stream', 'Content-Length': VALUE_BYTES };

const server = createServer((request, response) => {
  if (request.method === 'GET') {
    response.writeHead(200, valueHeaders).end(value);
    return;
  }
  let bytes = 0;
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
  });
  request.on('end', () => {
    response.writeHead(bytes === VALUE_BYTES ? 204 : 400).end();
  });
});
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
process.on('disconnect', () => process.exit(0));
