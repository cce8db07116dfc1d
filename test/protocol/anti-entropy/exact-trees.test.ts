/**
 * The trees of whole nodes, as their peers are told of them, are those that can be made from what lies on their disks: at
 * random moments, under random writes, with nodes that die, lose power and come back, and while anti-entropy itself repairs.
 */
import { describe, expect, it } from 'vitest';
import type { EntryName } from '../../../src/core/ids.ts';
import type { PeerReply, PeerRequest } from '../../../src/core/message.ts';
import { seededDraw } from '../../core/causality/seeded-draw.ts';
import { ScriptedPeer } from '../peers/scripted-peer.ts';
import { deleteOf, putOf } from '../requests.ts';
import type { Stage } from '../stage.ts';
import { entriesOf, healingStage } from './healing.ts';
import { hexOf, rebuiltTrees, rootOf, type Trees } from './rebuilt-trees.ts';

const PARTITIONS = 8;
const NODES = ['n1', 'n2', 'n3'];
/** A member that holds nothing and only asks. */
const ASKER = 'n4';

class Asker {
  readonly #stage: Stage;
  readonly #peer: ScriptedPeer;

  constructor(stage: Stage) {
    this.#stage = stage;
    this.#peer = new ScriptedPeer(stage, ASKER);
  }

  /** What a node tells of all its trees, and what its disk says; undefined if something was written while it was asked. */
  async compare(node: string): Promise<{ readonly told: Trees; readonly expected: Trees } | undefined> {
    const disk = this.#stage.disk(node);
    const [before, attempts] = [disk.syncs, this.#attempts(node)];
    const expected = rebuiltTrees(disk, PARTITIONS);
    const [reply] = await this.#ask(node, [{ type: 'tree-roots' }]);
    if (reply?.type !== 'tree-roots') throw new Error('no roots');
    const { roots, unbuilt } = reply;
    const leaves = await this.#ask(
      node,
      roots.map((tree) => ({ type: 'tree-leaves', tree })),
    );
    if (disk.syncs !== before || this.#attempts(node) !== attempts) return undefined;
    const told = new Map(
      roots.map(({ partition, n, root }, index) => {
        const answer = leaves[index];
        const text = answer?.type === 'tree-leaves' ? hexOf(answer.leaves) : '';
        if (rootOf(text) !== hexOf(root))
          throw new Error(`the root of ${partition}/${n} is not that of its leaves`);
        return [`${partition}/${n}`, text];
      }),
    );
    const isBuilt = (name: string): boolean => !unbuilt.map(String).includes(name.split('/')[0] as string);
    return { told, expected: new Map([...expected].filter(([name]) => isBuilt(name))) };
  }

  #attempts(node: string): number {
    return this.#stage.written.filter((written) => written.node === node).length;
  }

  /** On a connection of its own: an older one may be dead, and nobody knows. */
  async #ask(node: string, requests: readonly PeerRequest[]): Promise<readonly PeerReply[]> {
    const connection = await this.#peer.connect(node);
    for (const [index, request] of requests.entries()) connection.request(index + 1, request);
    await this.#stage.until(() => connection.replies.length === requests.length);
    connection.connection?.close('answered');
    return connection.replies.toSorted((left, right) => left.id - right.id).map(({ reply }) => reply);
  }
}

describe('the trees of every node', () => {
  it.each([1, 2, 3, 4])('are exact at random moments of a random life: %i', async (seed) => {
    const draw = seededDraw(seed);
    const stage = healingStage(4, { partitions: PARTITIONS });
    for (const node of NODES) stage.machine(node).start();
    await stage.until(() => NODES.every((node) => stage.machine(node).isUp));
    const asker = new Asker(stage);
    const entries = entriesOf(150);
    let compared = 0;

    const write = (): void => {
      const up = NODES.filter((node) => stage.machine(node).isUp);
      const node = up[draw(up.length)];
      if (node === undefined) return;
      const entry = entries[draw(entries.length)] as EntryName;
      const options = { n: 1 + draw(3), w: 1, sloppy: false, timeoutMs: 500 };
      if (draw(6) === 0)
        void stage.node(node).delete(deleteOf(entry, { ...options, context: undefined, r: 1 }));
      else void stage.node(node).put(putOf(entry, `value ${draw(1_000)}`, options));
    };

    for (let step = 0; step < 400; step += 1) {
      for (let count = draw(6); count > 0; count -= 1) write();
      await stage.world.runFor(draw(60));
      const node = NODES[draw(NODES.length)] as string;
      const event = draw(40);
      if (event === 0) stage.machine(node).crash({ power: draw(2) === 0, reason: 'killed' });
      else if (event === 1) stage.cut(node, NODES[draw(NODES.length)] as string);
      else if (event === 2) stage.world.fabric.healAll();
      else if (event < 6) for (const each of NODES) stage.machine(each).start();
      else if (event < 14 && stage.machine(node).isUp) {
        // Writes that are on their way end first.
        await stage.world.runFor(20);
        const both = await asker.compare(node);
        if (both === undefined) continue;
        expect(Object.fromEntries(both.told)).toEqual(Object.fromEntries(both.expected));
        compared += 1;
      }
    }

    stage.world.fabric.healAll();
    for (const each of NODES) stage.machine(each).start();
    await stage.world.runFor(60_000);
    for (const node of NODES) {
      const both = await asker.compare(node);
      expect(both?.told.size).toBeGreaterThan(0);
      expect(Object.fromEntries(both?.told ?? [])).toEqual(Object.fromEntries(both?.expected ?? []));
    }
    expect(compared).toBeGreaterThan(20);
    expect(stage.bugs).toEqual([]);
  });
});
