import { Histogram, Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { fixedHistogram } from '../../../src/server/observability/fixed-histogram.ts';

const NAME = 'seconds';
const HELP = 'Time.';
const BUCKETS = [0.1, 0.5, 2];

async function scraped(registry: Registry): Promise<readonly string[]> {
  return (await registry.metrics()).trim().split('\n').toSorted();
}

describe('a histogram of fixed labels', () => {
  it('is scraped as one of prom-client that observed the same', async () => {
    const [own, theirs] = [new Registry(), new Registry()];
    for (const registry of [own, theirs]) registry.setDefaultLabels({ node: 'n1' });
    const labels = [{ method: 'GET' }, { method: 'PUT' }, { method: 'HEAD' }];
    const series = fixedHistogram({ name: NAME, help: HELP, buckets: BUCKETS, labels, registry: own });
    const reference = new Histogram({
      name: NAME,
      help: HELP,
      buckets: BUCKETS,
      labelNames: ['method'],
      registers: [theirs],
    });
    const observed = [
      [0, 0.1],
      [0, 0.1000001],
      [1, 2],
      [1, 2.5],
      [0, 0],
      [1, 0.25],
    ] as const;
    for (const [index, seconds] of observed) {
      series[index]?.observe(seconds);
      reference.labels(labels[index]?.method ?? '').observe(seconds);
    }
    expect(await scraped(own)).toEqual(await scraped(theirs));
  });

  it('shows a series without labels before anything was observed', async () => {
    const [own, theirs] = [new Registry(), new Registry()];
    fixedHistogram({ name: NAME, help: HELP, buckets: BUCKETS, labels: [{}], registry: own });
    new Histogram({ name: NAME, help: HELP, buckets: BUCKETS, registers: [theirs] });
    expect(await scraped(own)).toEqual(await scraped(theirs));
  });
});
