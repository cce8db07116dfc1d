/** Makes the requests of a kind of traffic. */
import { etcdRequests } from '../peer/etcd-requests.ts';
import { mixedRequests } from './mixed-requests.ts';
import {
  answersByStatus,
  headerValue,
  type ConnectionRequests,
  type Traffic,
  type TrafficSource,
} from './traffic.ts';
import {
  bytesOf,
  headerLines,
  randomLetters,
  requestSource,
  startOf,
  type KeyRange,
  type Workload,
} from './workload.ts';

export function trafficSource(traffic: Traffic, keys: KeyRange): TrafficSource {
  if ('type' in traffic)
    return traffic.type === 'mix' ? mixedRequests(traffic, keys) : etcdRequests(traffic, keys);
  const bytes = bytesOf(traffic);
  return {
    connect: traffic.keys === 'own' ? ownKeyRequests(traffic, keys) : sharedRequests(traffic, keys),
    isRightBody: (body) => traffic.method === 'PUT' || body.length === bytes,
  };
}

function sharedRequests(workload: Workload, keys: KeyRange): () => ConnectionRequests {
  const next = requestSource(workload, keys);
  const answered = answersByStatus(workload.method, [workload.expectedStatus]);
  return () => ({ next, answered });
}

function ownKeyRequests(workload: Workload, keys: KeyRange): () => ConnectionRequests {
  const value = randomLetters(bytesOf(workload)).toString('latin1');
  const answered = answersByStatus(workload.method, [workload.expectedStatus, 201]);
  let connections = 0;
  return () => {
    const start = `${startOf(workload)}${keys.freshPrefix}-${connections++} HTTP/1.1\r\n`;
    let condition: Readonly<Record<string, string>> = { 'If-None-Match': '*' };
    return {
      next: () => {
        const headers = headerLines({ ...workload, headers: { ...workload.headers, ...condition } });
        return Buffer.from(`${start}${headers}\r\n${value}`, 'latin1');
      },
      sawHeaders: (headers) => {
        const etag = headerValue(headers, 'etag');
        if (etag !== undefined) condition = { 'If-Match': etag };
      },
      answered,
    };
  };
}
