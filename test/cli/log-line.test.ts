import { describe, expect, it } from 'vitest';
import { formatLogLine, type LogLineStyle } from '../../src/cli/cluster/log-line.ts';

const PLAIN: LogLineStyle = { coloured: false, node: { id: 'n1', index: 0, width: 3 } };

describe('formatLogLine', () => {
  it('puts time, node, level, message and fields on one line', () => {
    const line = JSON.stringify({
      level: 30,
      time: Date.UTC(2024, 0, 1, 12, 30, 1, 250),
      pid: 1,
      hostname: 'h',
      node: 'n1',
      msg: 'listening',
      url: 'http://x',
      text: 'two words',
      peers: ['n2'],
    });
    expect(formatLogLine(line, PLAIN)).toBe(
      '12:30:01.250 n1   info  listening url=http://x text="two words" peers=["n2"]',
    );
  });

  it('shows the stack of errors only where the level says error', () => {
    const err = { message: 'broken', stack: 'Error: broken\n    at somewhere (file:1)' };
    const error = formatLogLine(JSON.stringify({ level: 50, time: 0, msg: 'failed', err }), PLAIN);
    expect(error).toBe('00:00:00.000 n1   error failed err="broken"\n    at somewhere (file:1)');
    const warning = formatLogLine(JSON.stringify({ level: 40, time: 0, msg: 'odd', err }), PLAIN);
    expect(warning).toBe('00:00:00.000 n1   warn  odd err="broken"');
  });

  it.each(['plain text', '{"not":"a log line"}', '{broken', '[]'])('passes on %s with the prefix', (line) => {
    expect(formatLogLine(line, PLAIN)).toBe(`n1   ${line}`);
  });

  it('lets nothing of a line act on the terminal', () => {
    const line = JSON.stringify({ level: 30, time: 0, msg: 'a\u001b[2J\u0007', key: '\u001b]0;x\u0007' });
    // oxlint-disable-next-line no-control-regex
    expect(formatLogLine(line, PLAIN)).not.toMatch(/[\u0000-\u001f]/);
  });

  it('colours only where it is told to', () => {
    const line = JSON.stringify({ level: 50, time: 0, msg: 'm' });
    expect(formatLogLine(line, { ...PLAIN, coloured: true })).toContain('\u001b[31merror');
    expect(formatLogLine(line, PLAIN)).not.toContain('\u001b');
  });
});
