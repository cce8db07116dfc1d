import { VERSION } from '../version.ts';

/** What `curl http://node/` shows. `url` is the node's own base URL. */
export function helpText(nodeId: string, url: string): string {
  return `Quorate ${VERSION}, node ${nodeId}: a replicated key-value store.

  curl -X PUT ${url}/v1/kv/greetings/hello -H 'Content-Type: text/plain' -d 'hello, world'
  curl -i ${url}/v1/kv/greetings/hello
  curl -X DELETE ${url}/v1/kv/greetings/hello -H 'Quorate-Context: (as the GET gave it)'

GET|HEAD|PUT|DELETE /v1/kv/{bucket}/{key}   one entry
GET /v1/inspect/{bucket}/{key}              every replica's own view of one key
GET /v1/outcome/{bucket}/{key}?writeId=     what became of a conditional write whose outcome is unknown
GET /v1/ring                                partitions and their owners
GET /v1/cluster                             members, up or down, and limits
GET /livez /readyz /metrics                 operations
GET /openapi.json                           all of it, with headers, answers and errors

Tune a request with the headers Quorate-N, Quorate-R, Quorate-W or Quorate-Consistency: one | quorum | all, and of a GET
session | linearizable. Compare-and-set is a PUT or DELETE with If-Match: "ETAG", or If-None-Match: * where nothing is there.
Several concurrently written values come as 300 with all siblings; write the resolved one with their Quorate-Context.
`;
}
