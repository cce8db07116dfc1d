/** What any implementation of the network port must do between two members. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MAX_FRAME_BYTES } from '../../src/core/limits.ts';
import type { NodeId } from '../../src/core/ids.ts';
import type { Connection, ConnectionHandlers, Network } from '../../src/ports/network.ts';

export interface OpenedNetworks {
  /** Does not listen yet. Both know both addresses. */
  readonly left: Network;
  readonly leftId: NodeId;
  readonly right: Network;
  readonly rightId: NodeId;
  /** Lets things happen (time, in a simulation) until the condition holds. Never resolves if it does not. */
  until(condition: () => boolean): Promise<void>;
  dispose(): Promise<void>;
}

/** One end of a connection, with everything that it was told. */
export class RecordedEnd implements ConnectionHandlers {
  connection: Connection | undefined;
  opened = 0;
  readonly frames: Uint8Array[] = [];
  readonly closes: { readonly reason: string; readonly cause: 'closed' | 'malformed' }[] = [];

  onOpen(): void {
    this.opened += 1;
  }

  onFrame(frame: Uint8Array): void {
    this.frames.push(frame.slice());
  }

  onClose(reason: string, cause: 'closed' | 'malformed'): void {
    this.closes.push({ reason, cause });
  }
}

/** A frame of that many bytes, different for each number. */
export function frameOf(length: number, number = 0): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * 31 + number + (number >> 8)) & 255);
}

function sameFrames(received: readonly Uint8Array[], sent: readonly Uint8Array[]): boolean {
  return (
    received.length === sent.length &&
    received.every((frame, index) => Buffer.compare(frame, sent[index] ?? frameOf(0)) === 0)
  );
}

/** Registers the suite. `open` gives two fresh networks to each test. */
export function networkContract(name: string, open: () => Promise<OpenedNetworks>): void {
  describe(`${name} keeps the network contract`, () => {
    let networks: OpenedNetworks;
    let inbound: RecordedEnd[];

    beforeEach(async () => {
      networks = await open();
      inbound = [];
    });

    afterEach(async () => {
      await networks.dispose();
    });

    function listenRight(): Promise<void> {
      return networks.right.listen((connection) => {
        const end = new RecordedEnd();
        end.connection = connection;
        inbound.push(end);
        return end;
      });
    }

    function connectLeft(end = new RecordedEnd()): { end: RecordedEnd; connection: Connection } {
      const connection = networks.left.connect(networks.rightId, end);
      end.connection = connection;
      return { end, connection };
    }

    async function connected(): Promise<{ left: RecordedEnd; right: RecordedEnd }> {
      await listenRight();
      const { end } = connectLeft();
      await networks.until(() => end.opened === 1 && inbound.length === 1);
      return { left: end, right: inbound[0] as RecordedEnd };
    }

    it('opens once, after `connect` has returned', async () => {
      await listenRight();
      const { end, connection } = connectLeft();
      expect(end.opened).toBe(0);
      await networks.until(() => end.opened === 1 && inbound.length === 1);
      expect(connection.remote).not.toBe('');
      expect(inbound[0]?.connection?.remote).not.toBe('');
      expect(end.closes).toEqual([]);
    });

    it('carries frames of every size, whole and in order, both ways', async () => {
      const { left, right } = await connected();
      const sizes = [1, 2, 100, 8_191, 8_192, 8_193, 70_000, MAX_FRAME_BYTES, 3];
      const sent = sizes.map((size, index) => frameOf(size, index));
      for (const frame of sent) left.connection?.send(frame);
      for (const frame of sent) right.connection?.send(frame);
      await networks.until(() => right.frames.length === sent.length && left.frames.length === sent.length);
      expect(sameFrames(right.frames, sent)).toBe(true);
      expect(sameFrames(left.frames, sent)).toBe(true);
    });

    it('carries many small frames from one turn and from many turns', async () => {
      const { left, right } = await connected();
      const sent = Array.from({ length: 3_000 }, (_, index) => frameOf(50, index));
      for (const [index, frame] of sent.entries()) {
        left.connection?.send(frame);
        if (index % 100 === 0) await networks.until(() => right.frames.length > index / 2 - 100);
      }
      await networks.until(() => right.frames.length === sent.length);
      expect(sameFrames(right.frames, sent)).toBe(true);
    });

    it('carries what was sent before the connection stood', async () => {
      await listenRight();
      const { connection } = connectLeft();
      connection.send(frameOf(10));
      await networks.until(() => inbound[0]?.frames.length === 1);
      expect(inbound[0]?.frames).toEqual([frameOf(10)]);
    });

    it('carries what is sent while a connection is being accepted', async () => {
      await networks.right.listen((connection) => {
        connection.send(frameOf(7));
        return new RecordedEnd();
      });
      const { end } = connectLeft();
      await networks.until(() => end.frames.length === 1);
      expect(end.frames).toEqual([frameOf(7)]);
    });

    it('counts queued bytes from the send until they have left', async () => {
      const { left, right } = await connected();
      expect(left.connection?.queuedBytes).toBe(0);
      left.connection?.send(frameOf(1_000));
      left.connection?.send(frameOf(100_000));
      expect(left.connection?.queuedBytes).toBeGreaterThanOrEqual(101_000);
      await networks.until(() => right.frames.length === 2 && left.connection?.queuedBytes === 0);
    });

    it('tells both ends once that one of them closed, and why', async () => {
      const { left, right } = await connected();
      left.connection?.close('enough');
      left.connection?.close('again');
      await networks.until(() => left.closes.length > 0 && right.closes.length > 0);
      left.connection?.close('and again');
      right.connection?.close('too late');
      await networks.right.close();
      await networks.left.close();
      expect(left.closes).toEqual([{ reason: 'enough', cause: 'closed' }]);
      expect(right.closes).toEqual([{ reason: expect.any(String), cause: 'closed' }]);
      expect(right.closes[0]?.reason).not.toBe('');
    });

    it('tells both ends of a reset, too', async () => {
      const { left, right } = await connected();
      left.connection?.reset('enough');
      left.connection?.reset('again');
      left.connection?.send(frameOf(5));
      expect(left.connection?.queuedBytes).toBe(0);
      await networks.until(() => left.closes.length > 0 && right.closes.length > 0);
      left.connection?.close('and again');
      await networks.right.close();
      await networks.left.close();
      expect(left.closes).toEqual([{ reason: 'enough', cause: 'closed' }]);
      expect(right.closes).toEqual([{ reason: expect.any(String), cause: 'closed' }]);
      expect(right.frames).toEqual([]);
    });

    it('sends nothing after a close', async () => {
      const { left, right } = await connected();
      left.connection?.close('enough');
      left.connection?.send(frameOf(5));
      expect(left.connection?.queuedBytes).toBe(0);
      await networks.until(() => left.closes.length > 0 && right.closes.length > 0);
      left.connection?.send(frameOf(5));
      await networks.right.close();
      expect(right.frames).toEqual([]);
    });

    it('delivers nothing after a close, not even what came with the frame that led to it', async () => {
      const { left, right } = await connected();
      right.onFrame = (frame) => {
        right.frames.push(frame.slice());
        right.connection?.close('one is enough');
      };
      for (let index = 0; index < 10; index += 1) left.connection?.send(frameOf(5, index));
      await networks.until(() => left.closes.length > 0 && right.closes.length > 0);
      expect(right.frames).toEqual([frameOf(5)]);
    });

    it.each(['close', 'reset'] as const)('may be ended before it stands, by %s', async (how) => {
      await listenRight();
      const { end, connection } = connectLeft();
      connection[how]('changed my mind');
      await networks.until(() => end.closes.length > 0);
      expect(end.opened).toBe(0);
      expect(end.closes).toEqual([{ reason: 'changed my mind', cause: 'closed' }]);
    });

    it('reports a member that does not listen, once, after `connect` has returned', async () => {
      const { end } = connectLeft();
      expect(end.closes).toEqual([]);
      await networks.until(() => end.closes.length > 0);
      await networks.left.close();
      expect(end.opened).toBe(0);
      expect(end.closes).toEqual([{ reason: expect.any(String), cause: 'closed' }]);
    });

    it('closes every connection with the network, whoever opened it', async () => {
      const { left, right } = await connected();
      await Promise.all([networks.right.close(), networks.right.close()]);
      expect(right.closes).toHaveLength(1);
      await networks.until(() => left.closes.length > 0);
      const { end: refused } = connectLeft();
      await networks.until(() => refused.closes.length > 0);
      await networks.left.close();
      const { end: late } = connectLeft();
      await networks.until(() => late.closes.length > 0);
      expect([left, right, refused, late].map(({ closes }) => closes.length)).toEqual([1, 1, 1, 1]);
      expect([refused.opened, late.opened]).toEqual([0, 0]);
      await expect(networks.right.listen(() => new RecordedEnd())).rejects.toThrow();
    });
  });
}
