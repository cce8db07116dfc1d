/** What the log says of a node that refuses requests for overload: that it began, and that it is over. */
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { OVER_AFTER_MS } from '../../../src/server/http/admission.ts';
import { OverloadLog } from '../../../src/server/observability/overload-log.ts';

let lines: Record<string, unknown>[] = [];
let log: OverloadLog;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  lines = [];
  const write = (line: string): void => void lines.push(JSON.parse(line) as Record<string, unknown>);
  log = new OverloadLog(pino({ level: 'info' }, { write }));
});

afterEach(() => {
  vi.useRealTimers();
});

function codes(): readonly unknown[] {
  return lines.map(({ code }) => code);
}

function refuseOne(): void {
  log.refused('500 requests are running on this node');
}

/** So many refusals, one each millisecond. */
function refuse(count: number): void {
  for (let refused = 0; refused < count; refused += 1) {
    refuseOne();
    vi.advanceTimersByTime(1);
  }
}

describe('the log of overload', () => {
  it('has one line when it begins and one when it is over, however many requests are refused', () => {
    refuse(5_000);
    expect(lines).toEqual([
      expect.objectContaining({
        level: 40,
        code: 'overloaded',
        reason: '500 requests are running on this node',
        msg: 'requests are refused for overload: 500 requests are running on this node',
      }),
    ]);
    vi.advanceTimersByTime(OVER_AFTER_MS);
    expect(lines.slice(1)).toEqual([
      expect.objectContaining({
        level: 30,
        code: 'overload-over',
        refused: 5_000,
        ms: 4_999,
        msg: 'the overload is over: 5000 requests were refused within 4999 ms, and none for 1000 ms',
      }),
    ]);
    vi.advanceTimersByTime(10 * OVER_AFTER_MS);
    expect(lines).toHaveLength(2);
  });

  it('takes it for over only when nothing was refused for the whole while', () => {
    refuse(1);
    vi.advanceTimersByTime(OVER_AFTER_MS - 2);
    refuse(1);
    vi.advanceTimersByTime(OVER_AFTER_MS - 2);
    expect(codes()).toEqual(['overloaded']);
    vi.advanceTimersByTime(1);
    expect(codes()).toEqual(['overloaded', 'overload-over']);
    expect(lines[1]).toMatchObject({ refused: 2 });
  });

  it('counts anew when the next one begins', () => {
    refuse(10);
    vi.advanceTimersByTime(OVER_AFTER_MS);
    refuse(3);
    vi.advanceTimersByTime(OVER_AFTER_MS);
    expect(codes()).toEqual(['overloaded', 'overload-over', 'overloaded', 'overload-over']);
    expect(lines[3]).toMatchObject({ refused: 3 });
  });

  it('says how many were refused when the node stops meanwhile, and nothing after it', () => {
    refuse(7);
    log.stop();
    expect(codes()).toEqual(['overloaded', 'overload-over']);
    expect(lines[1]).toMatchObject({ refused: 7, msg: expect.stringContaining('when this node stopped') });
    expect(vi.getTimerCount()).toBe(0);
    log.stop();
    expect(lines).toHaveLength(2);
  });

  it('keeps no process alive', () => {
    vi.useRealTimers();
    const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const before = timers();
    refuseOne();
    expect(timers()).toBe(before);
    log.stop();
  });
});
