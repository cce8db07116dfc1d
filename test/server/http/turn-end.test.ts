/** When answers leave: together at the end of a turn, but not too many at once. */
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { Duplex } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { endAfterTurn } from '../../../src/server/http/turn-end.ts';

/** Ends so many answers in one turn; gives the numbers of those that have left, in their order. */
function endInOneTurn(count: number): number[] {
  const left: number[] = [];
  for (let number = 1; number <= count; number += 1) {
    const outgoing = { write: () => left.push(number), end() {} } as unknown as ServerResponse;
    endAfterTurn(outgoing, 'body');
  }
  return left;
}

function numbersTo(count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}

describe('answers that are ended in one turn', () => {
  it('leave when it is over, one right after the other', async () => {
    const left = endInOneTurn(31);
    expect(left).toEqual([]);
    await new Promise(setImmediate);
    expect(left).toEqual(numbersTo(31));
  });

  it('leave earlier if they are many, so that no crowd of them is kept', async () => {
    const left = endInOneTurn(70);
    expect(left).toEqual(numbersTo(64));
    await new Promise(setImmediate);
    expect(left).toEqual(numbersTo(70));
    expect(endInOneTurn(1)).toEqual([]);
    await new Promise(setImmediate);
  });

  it('are ended after their text has left, in one piece with its head', async () => {
    const pieces: string[] = [];
    const connection = new Duplex({
      decodeStrings: false,
      read() {},
      write(piece: string | Buffer, _encoding, done) {
        pieces.push(piece.toString());
        done();
      },
    });
    const server = createServer((_, outgoing) => {
      outgoing.writeHead(503, { 'Content-Length': '4' });
      endAfterTurn(outgoing, 'text');
      outgoing.once('close', () => connection.destroy());
    });
    server.emit('connection', connection);
    connection.push('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await once(connection, 'close');
    expect(pieces).toEqual([expect.stringMatching(/^HTTP\/1.1 503[^]*\r\n\r\ntext$/u)]);
  });
});
