/**
 * What a run of the bench leaves behind: one JSON document, from which the page, the text for a terminal and the comparison of two
 * runs are made. Nothing in a report is computed from anything else, so whoever doubts a plot finds its numbers here.
 */

/** One run: all that is needed to do it again, and what it found. */
export interface BenchDocument {
  /** Raised when a reader of older documents would misread this one. */
  readonly format: 'quorate-bench/1';
  readonly about: About;
  readonly sections: readonly Section[];
}

/** Under which conditions the figures hold. */
export interface About {
  readonly command: string;
  /** ISO 8601. */
  readonly date: string;
  readonly durationSeconds: number;
  /** With `+changes` if the checkout differs from it. */
  readonly commit: string;
  /** Of all that is drawn at random: keys, arrivals, faults. */
  readonly seed: number;
  readonly machine: Readonly<Record<string, string>>;
  readonly configuration: Readonly<Record<string, string>>;
}

/** One question, its answer, and what the answer rests on. */
export interface Section {
  /** In lower case with hyphens; names the section in a comparison and in links. */
  readonly id: string;
  readonly title: string;
  readonly question: string;
  /** One sentence with numbers. */
  readonly answer: string;
  readonly figures: readonly Figure[];
  readonly tables: readonly Table[];
  /** What a comparison of two runs compares. */
  readonly metrics: readonly Metric[];
  /** What a reader has to know before trusting it: limits, a busy generator, a disturbed machine. */
  readonly remarks: readonly string[];
  /** What the checkers say about what was answered; undefined where nothing was checked. */
  readonly verdict?: Verdict;
}

export interface Verdict {
  readonly isSound: boolean;
  readonly text: string;
}

/** How requests came about; a latency means nothing without it. */
export interface LoadModel {
  /** `closed`: a client sends when it has its answer. `open`: requests are due at times of their own, and latency counts from these. */
  readonly type: 'closed' | 'open' | 'none';
  readonly text: string;
}

export interface Axis {
  readonly label: string;
  readonly unit?: string;
  readonly scale: 'linear' | 'logarithmic' | 'category';
}

/** With its spread over the repeats, where there are several. */
export interface Point {
  /** Of a category axis: the place of the category, from 0. */
  readonly x: number;
  /** Null: nothing was answered here; a line has a gap. */
  readonly y: number | null;
  readonly low?: number;
  readonly high?: number;
  /** Of a bubble: its area, from 0 to 1. */
  readonly size?: number;
  readonly label?: string;
}

export interface Series {
  readonly name: string;
  /** `computed` is drawn dashed: a prediction, not a measurement. */
  readonly origin: 'measured' | 'computed';
  readonly points: readonly Point[];
}

export interface Figure {
  readonly id: string;
  readonly title: string;
  readonly type: 'lines' | 'bars' | 'bubbles' | 'steps';
  readonly loadModel: LoadModel;
  readonly x: Axis & { readonly categories?: readonly string[] };
  readonly y: Axis;
  /** Of bubbles: what their area shows, and what the largest stands for. */
  readonly sizeLabel?: string;
  readonly series: readonly Series[];
  /** Vertical lines: what happened when. */
  readonly events?: readonly { readonly x: number; readonly label: string }[];
}

export interface Table {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** One figure over the repeats. */
export interface Metric {
  readonly name: string;
  readonly unit: string;
  readonly better: 'higher' | 'lower';
  readonly samples: readonly number[];
}
