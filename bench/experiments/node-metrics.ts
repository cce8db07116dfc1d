/** Counters of the nodes, as their /metrics tell them. */
import { PATHS } from '../../src/api/paths.ts';

/** The sum of a counter over all its labels and all nodes. */
export async function counterOf(name: string, urls: readonly string[]): Promise<number> {
  const texts = await Promise.all(
    urls.map(async (url) =>
      (await fetch(`${url}${PATHS.metrics}`, { signal: AbortSignal.timeout(5_000) })).text(),
    ),
  );
  return texts.reduce((total, text) => total + sumOf(name, text), 0);
}

/** Sum of the samples of a counter in the text format of Prometheus. */
export function sumOf(name: string, text: string): number {
  return text
    .split('\n')
    .filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
    .reduce((total, line) => total + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}
