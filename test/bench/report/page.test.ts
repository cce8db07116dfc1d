/** The page of a run: complete in itself, whole, and safe against whatever stands in a document. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { renderPage } from '../../../bench/report/page.ts';
import { BROWSER, launchBrowser } from './browser.ts';
import { SAMPLE } from './sample-document.ts';

const VOID_ELEMENTS = new Set(['meta', 'link']);
const ALL_FIGURES = SAMPLE.sections.flatMap(({ id, figures }) =>
  figures.map((figure) => `${id}-${figure.id}`),
);
/** Those that have something to draw. */
const FIGURES = ALL_FIGURES.filter((name) => !name.endsWith('-nothing'));

let directory: string;
let file: string;
let text: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'quorate-page-'));
  file = join(directory, 'page.html');
  text = await renderPage(SAMPLE);
  await writeFile(file, text);
});

afterAll(() => rm(directory, { recursive: true, force: true }));

/** Names of the elements that are not closed, or closed without having been opened. */
function unbalanced(markup: string): readonly string[] {
  const open: string[] = [];
  const wrong: string[] = [];
  const withoutCode = markup.replaceAll(/(<(script|style)[^>]*>)[\s\S]*?(<\/\2>)/g, '$1$3');
  for (const [, slash, name = ''] of withoutCode.matchAll(/<(\/?)([a-z][a-z0-9]*)(?:\s[^<>]*)?>/g)) {
    if (slash === '') {
      if (!VOID_ELEMENTS.has(name)) open.push(name);
    } else if (open.at(-1) === name) open.pop();
    else wrong.push(name);
  }
  return [...wrong, ...open];
}

describe('the page as text', () => {
  it('closes what it opens', () => {
    expect(unbalanced('<p><b></p></b>')).not.toEqual([]);
    expect(unbalanced(text)).toEqual([]);
  });

  it('loads nothing from anywhere', () => {
    const attributes = [...text.matchAll(/\s(?:src|href|srcset|action)="([^"]*)"/g)].map(
      ([, value]) => value,
    );
    expect(attributes.filter((value) => value !== 'data:,' && value?.startsWith('#') !== true)).toEqual([]);
    expect(text).not.toMatch(/url\(\s*['"]?(?:https?:)?\/\//);
    expect(text).not.toMatch(/@import|\bimport\s*\(/);
  });

  it('holds the document, which cannot end its own element', () => {
    const json = /<script type="application\/json" id="document">([\s\S]*?)<\/script>/.exec(text)?.[1];
    expect(JSON.parse(json ?? '')).toEqual(SAMPLE);
  });

  it('names the load model of every figure', () => {
    const captions = [...text.matchAll(/<figcaption>[\s\S]*?<\/figcaption>/g)].map(([caption]) => caption);
    expect(captions).toHaveLength(ALL_FIGURES.length);
    expect(text.match(/Nothing to draw/g)).toHaveLength(ALL_FIGURES.length - FIGURES.length);
    expect(captions.every((caption) => /Open loop:|Closed loop:|computed from/.test(caption))).toBe(true);
  });
});

// Without a browser these are skipped, and the name says why.
describe.skipIf(BROWSER === undefined)(
  'the page in a browser (skipped where no Chromium is on the PATH)',
  () => {
    let browser: Browser;

    beforeAll(async () => {
      browser = await launchBrowser();
    });

    afterAll(() => browser.close());

    async function open(
      width: number,
      colorScheme: 'light' | 'dark',
    ): Promise<{ page: Page; errors: string[] }> {
      const context = await browser.newContext({
        viewport: { width, height: 800 },
        colorScheme,
        offline: true,
      });
      const page = await context.newPage();
      const errors: string[] = [];
      page.on('console', (message) => {
        if (['error', 'warning'].includes(message.type())) errors.push(message.text());
      });
      page.on('pageerror', (error) => errors.push(error.message));
      page.on('requestfailed', (request) => errors.push(request.url()));
      await page.goto(pathToFileURL(file).href);
      // In words, since the compiler knows no document here.
      await page.waitForFunction(
        `document.querySelectorAll('.plot[data-drawn] canvas').length === ${FIGURES.length}`,
      );
      return { page, errors };
    }

    it.each([
      [1000, 'light'],
      [360, 'dark'],
    ] as const)('shows every section and draws every figure at %i px, %s', async (width, scheme) => {
      const { page, errors } = await open(width, scheme);
      for (const { id, question, answer } of SAMPLE.sections) {
        const section = page.locator(`section[id="${id}"]`);
        expect(await section.locator('.question').textContent()).toBe(question);
        expect(await section.locator('.answer').textContent()).toBe(answer);
        expect(await page.locator(`nav a[href="#${id}"]`).textContent()).toBe(question);
      }
      for (const name of FIGURES) expect(await coloursOn(page, name)).toBeGreaterThan(3);
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
      expect(errors).toEqual([]);
      await page.context().close();
    });

    it('runs nothing that stands in the document', async () => {
      const { page } = await open(1000, 'light');
      expect(await page.evaluate("'isBroken' in window")).toBe(false);
      expect(await page.locator('img').count()).toBe(0);
      await page.context().close();
    });

    it('changes its theme, and tells what a pointer is at', async () => {
      const { page, errors } = await open(1000, 'light');
      const theme = () => page.evaluate('document.documentElement.dataset.theme');
      expect(await theme()).toBe('light');
      await page.locator('button.theme').click();
      expect(await theme()).toBe('dark');
      const plot = page.locator('.plot[data-figure="eventual-or-cas-attempts"]');
      await plot.locator('.u-over').hover({ position: { x: 40, y: 26 } });
      expect(await plot.locator('.tip').textContent()).toMatch(/won\n.*700 \(640–730\)/s);
      expect(errors).toEqual([]);
      await page.context().close();
    });
  },
);

/** How many different colours a drawn figure has. */
function coloursOn(page: Page, figure: string): Promise<number> {
  return page.evaluate<number>(`{
    const canvas = document.querySelector('.plot[data-figure="${figure}"] canvas');
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    const colours = new Set();
    for (let index = 0; index < data.length; index += 4) {
      if (data[index + 3] === 255) colours.add((data[index] << 16) | (data[index + 1] << 8) | data[index + 2]);
    }
    colours.size;
  }`);
}
