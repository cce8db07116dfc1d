/** Draws the figures of the document that lies in the page, again whenever the width or the theme changes. */
import type { BenchDocument, Figure } from '../document.ts';
import { barChart } from './bar-chart.ts';
import { readTheme, showTips } from './chart.ts';
import { lineChart } from './line-chart.ts';

const THEMES = ['light', 'dark'] as const;
type ThemeName = (typeof THEMES)[number];

const systemIsDark = matchMedia('(prefers-color-scheme: dark)');
let chosenTheme: ThemeName | undefined;

function applyTheme(): void {
  document.documentElement.dataset['theme'] = chosenTheme ?? (systemIsDark.matches ? 'dark' : 'light');
}

function drawInto(plot: HTMLElement, figure: Figure): void {
  plot.replaceChildren();
  const width = Math.floor(plot.clientWidth);
  if (width === 0) return;
  const { chart, spots } = (figure.type === 'bars' ? barChart : lineChart)(figure, plot, width, readTheme());
  showTips(plot, chart.over, spots);
  plot.dataset['drawn'] = 'yes';
}

function start(): void {
  const text = document.getElementById('document')?.textContent ?? '';
  const { sections } = JSON.parse(text) as BenchDocument;
  const figures = new Map<string, Figure>(
    sections.flatMap((section) =>
      section.figures.map((figure) => [`${section.id}-${figure.id}`, figure] as const),
    ),
  );
  const plots = [...document.querySelectorAll<HTMLElement>('.plot')].flatMap((plot) => {
    const figure = figures.get(plot.dataset['figure'] ?? '');
    return figure === undefined ? [] : [{ plot, figure }];
  });
  const widths = new Map<HTMLElement, number>();
  const drawAll = (): void => {
    for (const { plot, figure } of plots) {
      widths.set(plot, plot.clientWidth);
      drawInto(plot, figure);
    }
  };
  const changeTheme = (): void => {
    applyTheme();
    drawAll();
  };
  document.querySelector('button.theme')?.addEventListener('click', () => {
    chosenTheme = document.documentElement.dataset['theme'] === 'dark' ? 'light' : 'dark';
    changeTheme();
  });
  systemIsDark.addEventListener('change', changeTheme);
  changeTheme();
  const observer = new ResizeObserver(() => {
    for (const { plot, figure } of plots) {
      // Drawing changes the height, which must not draw again.
      if (widths.get(plot) === plot.clientWidth) continue;
      widths.set(plot, plot.clientWidth);
      drawInto(plot, figure);
    }
  });
  for (const { plot } of plots) observer.observe(plot);
}

start();
