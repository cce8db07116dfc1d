import { expect, test } from 'vitest';
import { connect } from '../../src/client/index.ts';
import { foundAnswer, scripted } from './scripted-transport.ts';

function clientOf() {
  const { transport, requests } = scripted(() => foundAnswer(1));
  return { client: connect({ nodes: ['http://a:1'], transport }), requests };
}

test.each(['a/b', '%', '%2e%2e', '🦊', '__proto__', 'a b?c#d', '\0', 'a\\..\\b', '...', "it's (a) *!"])(
  'key %j arrives as it is',
  async (key) => {
    const { client, requests } = clientOf();
    await client.bucket('b').get(key);
    const { pathname, search, hash } = new URL(requests[0]?.url ?? '');
    expect([decodeURIComponent(pathname.replace('/v1/kv/b/', '')), search, hash]).toEqual([key, '', '']);
  },
);

test.each(['', '.', '..', 'a/../b', './a', 'a/.', '\uD800', 'x'.repeat(1_025), '🦊'.repeat(257)])(
  'key %j is refused before anything is sent',
  async (key) => {
    const { client, requests } = clientOf();
    await expect(client.bucket('b').get(key)).rejects.toMatchObject({
      code: 'invalid-key',
      outcome: 'not-applied',
    });
    await expect(client.inspect('b', key)).rejects.toMatchObject({ code: 'invalid-key' });
    expect(requests).toHaveLength(0);
  },
);

test.each(['', '.', '..', 'a/b', 'ä', 'x'.repeat(65)])('bucket %j is refused', (bucket) => {
  expect(() => clientOf().client.bucket(bucket)).toThrow(expect.objectContaining({ code: 'invalid-key' }));
});

test('the longest key is taken', async () => {
  const { client, requests } = clientOf();
  await client.bucket('__proto__').get('x'.repeat(1_024));
  expect(requests).toHaveLength(1);
});
