/**
 * A document as one page that needs nothing else: styles, script, plots (uPlot) and all numbers are in it, so it can be kept,
 * sent and opened without a network. It says the question and the answer first, then shows what the answer rests on.
 */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { html, raw } from 'hono/html';
import type { About, BenchDocument, Figure, Section, Table, Verdict } from './document.ts';
import { significant } from './number-format.ts';
import { pageScript } from './page-script.ts';

type Markup = ReturnType<typeof html>;

const SERIES_COLOURS = 8;
/** Of a table that is not folded. */
const MAX_ROWS_OPEN = 8;

export async function renderPage(document: BenchDocument): Promise<string> {
  const { about, sections } = document;
  const [plotStyle, plotScript, style, script] = await Promise.all([
    fileOfPackage('uplot/dist/uPlot.min.css'),
    fileOfPackage('uplot/dist/uPlot.iife.min.js'),
    readFile(new URL('./browser/page-style.css', import.meta.url), 'utf8'),
    pageScript(),
  ]);
  const page = await html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Quorate bench, ${about.date.slice(0, 10)}, ${about.commit}</title>
<link rel="icon" href="data:,">
<style>${raw(plotStyle)}
${raw(style)}</style>
</head>
<body>
<header class="top">
<div class="title-row"><h1>Quorate bench</h1><button class="theme" type="button">Light / dark</button></div>
${aboutMarkup(about)}
<nav aria-label="Questions and answers"><ol>${sections.map(summaryMarkup)}</ol></nav>
</header>
<main>${sections.map(sectionMarkup)}</main>
<footer><p>Every number of this page is also in the JSON file beside it, and in the page itself. Bars and lines are medians of the repeats;
thin lines with ends go from the lowest to the highest repeat. Dashed lines are computed, not measured.</p></footer>
<script type="application/json" id="document">${raw(asScriptData(document))}</script>
<script>${raw(plotScript)}</script>
<script>${raw(script)}</script>
</body>
</html>
`;
  return String(page);
}

function aboutMarkup({
  command,
  date,
  durationSeconds,
  commit,
  seed,
  machine,
  configuration,
}: About): Markup {
  const facts = {
    date: date.replace('T', ' ').replace(/\..*$/, ' UTC'),
    commit,
    seed: String(seed),
    took: `${Math.floor(durationSeconds / 60)} min ${Math.round(durationSeconds % 60)} s`,
    ...machine,
    ...configuration,
  };
  return html`<code class="command">${command}</code>
<dl class="facts">${Object.entries(facts).map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

function summaryMarkup({ id, question, answer, verdict }: Section): Markup {
  return html`<li><a href="#${id}">${question}</a><p>${answer}</p>${verdict?.isSound === false ? verdictMarkup(verdict) : ''}</li>`;
}

function sectionMarkup(section: Section): Markup {
  const { id, title, question, answer, figures, tables, remarks, verdict } = section;
  return html`<section id="${id}">
<h2>${title}</h2>
<p class="question">${question}</p>
<p class="answer">${answer}</p>
${verdict === undefined ? '' : verdictMarkup(verdict)}
${figures.map((figure) => figureMarkup(id, figure))}
${tables.map(tableSection)}
${remarks.length === 0 ? '' : html`<ul class="remarks">${remarks.map((remark) => html`<li>${remark}</li>`)}</ul>`}
</section>`;
}

/** Long tables are folded, or nobody would find the section behind them. */
function tableSection(table: Table, place: number): Markup {
  const isOpen = place === 0 || table.rows.length <= MAX_ROWS_OPEN;
  return html`<details class="table"${isOpen ? raw(' open') : ''}><summary>${table.title}</summary>${tableMarkup(table)}</details>`;
}

function verdictMarkup({ isSound, text }: Verdict): Markup {
  return html`<p class="${isSound ? 'verdict' : 'verdict bad'}"><b>${isSound ? 'Sound.' : 'Not sound.'}</b> ${text}</p>`;
}

function figureMarkup(sectionId: string, figure: Figure): Markup {
  const { id, title } = figure;
  const name = `${sectionId}-${id}`;
  return html`<figure id="${name}">
<figcaption><h3>${title}</h3><p class="load">${loadModelMarkup(figure)}</p></figcaption>
${hasPoints(figure) ? plotMarkup(name, figure) : html`<p class="load">Nothing to draw: no point of it was measured, or from too few samples.</p>`}
<details><summary>Numbers</summary>${tableMarkup(numbersOf(figure))}</details>
</figure>`;
}

function hasPoints({ series }: Figure): boolean {
  return series.some(({ points }) => points.some(({ y }) => y !== null));
}

function plotMarkup(name: string, figure: Figure): Markup {
  const { title, loadModel, x, y, type, events = [], sizeLabel } = figure;
  const across = type === 'bars' ? y : x;
  const upright = type === 'bars' ? x : y;
  return html`
${legendMarkup(figure)}
${sizeLabel === undefined ? '' : html`<p class="load">Area of a bubble: ${sizeLabel}.</p>`}
${upright.label === '' ? '' : html`<p class="axis-label">${axisText(upright)}</p>`}
<div class="plot" data-figure="${name}" role="img" aria-label="${title}; ${loadModel.text}. The numbers are in the table below."></div>
${across.label === '' ? '' : html`<p class="axis-label below">${axisText(across)}</p>`}
${
  events.length === 0
    ? ''
    : html`<ol class="events">${events.map((event, index) => html`<li><b>${index + 1}</b> ${significant(event.x)} ${x.unit ?? ''} ${event.label}</li>`)}</ol>`
}`;
}

function loadModelMarkup({ loadModel: { type, text } }: Figure): Markup {
  if (type === 'none') return html`${text}`;
  return html`<b>${type === 'open' ? 'Open loop' : 'Closed loop'}:</b> ${text.replace(/^(open|closed) loop[:,]?\s*/i, '')}`;
}

function legendMarkup({ series, type }: Figure): Markup | string {
  if (series.length === 1 && series[0]?.origin === 'measured') return '';
  return html`<ul class="legend">${series.map(({ name, origin }, index) => {
    const shape = origin === 'computed' ? 'computed' : type === 'bars' || type === 'bubbles' ? 'filled' : '';
    return html`<li><i class="${shape}" style="--colour: var(--series-${index % SERIES_COLOURS})"></i>${name}${origin === 'computed' ? ' (computed)' : ''}</li>`;
  })}</ul>`;
}

function axisText({ label, unit }: Figure['x']): string {
  return unit === undefined ? label : `${label} (${unit})`;
}

/** The points of a figure for those who want to read or copy them. */
function numbersOf({ title, series, x, y }: Figure): Table {
  const value = (number: number | null | undefined): string =>
    number === undefined || number === null ? '-' : significant(number);
  return {
    title,
    head: [x.label === '' ? 'what' : axisText(x), 'series', axisText(y), 'lowest', 'highest'],
    rows: series.flatMap(({ name, points }) =>
      points.map((point) => [
        x.scale === 'category' ? (x.categories?.[point.x] ?? '') : significant(point.x),
        point.label === undefined ? name : `${name}, ${point.label}`,
        value(point.y),
        value(point.low),
        value(point.high),
      ]),
    ),
  };
}

function tableMarkup({ head, rows }: Table): Markup {
  const kind = (column: number): string =>
    column > 0 && rows.some((row) => isSentence(row[column])) ? 'text' : '';
  return html`<div class="scroll"><table>
<thead><tr>${head.map((name, column) => html`<th class="${kind(column)}" scope="col">${name}</th>`)}</tr></thead>
<tbody>${rows.map((row) => html`<tr>${row.map((cell, column) => html`<td class="${kind(column)}">${cell}</td>`)}</tr>`)}</tbody>
</table></div>`;
}

/** Words are aligned to the left, numbers with their units and ranges to the right. */
function isSentence(cell: string | undefined): boolean {
  return cell !== undefined && /[A-Za-z]{3}/.test(cell) && !/^[\d.,-]/.test(cell);
}

/** JSON that cannot end the element it stands in. */
function asScriptData(value: unknown): string {
  return JSON.stringify(value).replaceAll('<', '\\u003c');
}

async function fileOfPackage(path: string): Promise<string> {
  const require = createRequire(import.meta.url);
  return readFile(require.resolve(path), 'utf8');
}
