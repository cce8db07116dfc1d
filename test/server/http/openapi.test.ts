/** The OpenAPI description: sound in itself, and the same list of routes, headers and problems as what is really served. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PROBLEMS } from '../../../src/api/errors.ts';
import { HEADERS } from '../../../src/api/headers.ts';
import { type Handlers, routesOf } from '../../../src/server/http/routes.ts';
import { startTestServer, type TestServer } from './test-server.ts';

interface Operation {
  readonly summary: string;
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
  }[];
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content?: object }>>;
}

interface Description {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: Readonly<Record<string, Readonly<Record<string, object>>>>;
}

let server: TestServer;
let description: Description;
beforeAll(async () => {
  server = await startTestServer();
  const answer = await server.client.get('/openapi.json');
  description = JSON.parse(answer.text) as Description;
});
afterAll(() => server.close());

function operations(): readonly (readonly [path: string, method: string, operation: Operation])[] {
  return Object.entries(description.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => [path, method, operation] as const),
  );
}

/** Every `$ref` anywhere below. */
function referencesIn(value: unknown): readonly string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, member]) =>
    name === '$ref' ? [member as string] : referencesIn(member),
  );
}

describe('the description', () => {
  it('is OpenAPI 3.1 of this version', () => {
    expect(description.openapi).toBe('3.1.0');
    expect(description.info).toMatchObject({
      title: 'Quorate',
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
    });
  });

  it('refers only to what it has', () => {
    const references = referencesIn(description);
    expect(references.length).toBeGreaterThan(10);
    for (const reference of references) {
      const parts = reference.split('/');
      expect(parts[0]).toBe('#');
      const target = parts
        .slice(1)
        .reduce<unknown>((value, part) => (value as Record<string, unknown>)?.[part], description);
      expect(target, reference).toBeTypeOf('object');
    }
  });

  it('declares each parameter of a path as required, and each response with a description', () => {
    for (const [path, method, { parameters = [], responses, summary }] of operations()) {
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => String(name));
      const declared = parameters.filter((parameter) => parameter.in === 'path');
      expect(declared.map(({ name }) => name).sort(), `${method} ${path}`).toEqual([...inPath].sort());
      for (const { required } of declared) expect(required).toBe(true);
      expect(summary).not.toBe('');
      expect(Object.keys(responses).length).toBeGreaterThan(0);
      for (const [status, response] of Object.entries(responses)) {
        expect(status).toMatch(/^[1-5]\d\d$/);
        expect(response.description).not.toBe('');
      }
      const names = parameters.map((parameter) => `${parameter.in} ${parameter.name.toLowerCase()}`);
      expect(new Set(names).size).toBe(names.length);
    }
  });
});

describe('the description and the routes', () => {
  it('are the same list', () => {
    const routes = routesOf({} as Handlers).flatMap(({ method, described }) =>
      described.flatMap((path) => {
        const isEntry = path === '/v1/kv/{bucket}/{key}' && method === 'GET';
        return [`${method} ${path}`, ...(isEntry ? [`HEAD ${path}`] : [])];
      }),
    );
    const described = operations().map(([path, method]) => `${method.toUpperCase()} ${path}`);
    expect(described.sort()).toEqual(routes.sort());
  });

  it('agree on what is there: every described path answers', async () => {
    for (const [path, method] of operations()) {
      const target = path.replace('{bucket}', 'b').replace('{key}', 'k');
      const { status } = await server.client.send(target, { method: method.toUpperCase() });
      expect(status, `${method} ${path}`).not.toBe(405);
      const isMissing = status === 404 && !path.includes('{key}');
      expect(isMissing, `${method} ${path}`).toBe(false);
    }
  });

  it('agree on the statuses that were seen', async () => {
    const entry = description.paths['/v1/kv/{bucket}/{key}'];
    const target = '/v1/kv/described/k';
    const calls: readonly (readonly ['get' | 'put' | 'delete', Record<string, string>])[] = [
      ['get', {}],
      ['put', {}],
      ['put', {}],
      ['get', {}],
      ['get', { 'If-None-Match': '*' }],
      ['get', { Accept: 'image/png' }],
      ['get', { 'Quorate-R': '0' }],
      ['put', { Prefer: 'return=representation' }],
      ['put', { 'Content-Encoding': 'gzip' }],
      ['put', { 'If-None-Match': '*' }],
      ['delete', {}],
      ['delete', {}],
    ];
    const seen = new Set<string>();
    for (const [method, headers] of calls) {
      const { status } = await server.client.send(target, { method: method.toUpperCase(), headers });
      seen.add(`${method} ${status}`);
      expect(Object.keys(entry?.[method]?.responses ?? {}), `${method} ${status}`).toContain(String(status));
    }
    expect(seen.size).toBe(calls.length);
  });

  it('agree on the request headers', () => {
    const entry = description.paths['/v1/kv/{bucket}/{key}'];
    const named = (method: string): readonly string[] =>
      (entry?.[method]?.parameters ?? [])
        .filter((parameter) => parameter.in === 'header')
        .map(({ name }) => name.toLowerCase());
    const shared = [
      HEADERS.n,
      HEADERS.consistency,
      HEADERS.context,
      HEADERS.sloppy,
      HEADERS.timeoutMs,
      HEADERS.requestId,
    ];
    const lower = (names: readonly string[]): string[] => names.map((name) => name.toLowerCase());
    for (const method of ['get', 'head']) {
      expect(named(method)).toEqual(expect.arrayContaining(lower([...shared, HEADERS.r, 'If-None-Match'])));
    }
    for (const method of ['put', 'delete']) {
      expect(named(method)).toEqual(
        expect.arrayContaining(
          lower([...shared, HEADERS.w, HEADERS.writeId, HEADERS.attempt, 'If-Match', 'If-None-Match']),
        ),
      );
    }
    expect(named('delete')).toContain('quorate-r');
    expect(named('put')).toContain('prefer');
  });

  it('agree on the problem codes', () => {
    expect(description.components['schemas']?.['Problem']).toMatchObject({
      properties: { code: { enum: Object.keys(PROBLEMS) }, outcome: { enum: ['not-applied', 'unknown'] } },
    });
  });
});
