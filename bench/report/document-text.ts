/** A document for the terminal: what was asked, the answer, the tables. The figures are on the page. */
import type { BenchDocument, Section } from './document.ts';
import { formatTable } from './text-table.ts';

export function documentText({ about, sections }: BenchDocument): string {
  const facts = (record: Readonly<Record<string, string>>) =>
    Object.entries(record).map(([name, value]) => `${name}: ${value}`);
  return [
    `${about.command}  (${about.date}, ${Math.round(about.durationSeconds)} s, commit ${about.commit}, seed ${about.seed})`,
    facts(about.machine).join(', '),
    facts(about.configuration).join(', '),
    ...sections.flatMap(sectionText),
  ].join('\n');
}

function sectionText(section: Section): readonly string[] {
  const { title, question, answer, tables, remarks, verdict } = section;
  return [
    '',
    title,
    '='.repeat(title.length),
    question,
    answer,
    ...tables.flatMap((table) => ['', table.title, formatTable(table.head, table.rows)]),
    '',
    ...remarks.map((remark) => `- ${remark}`),
    ...(verdict === undefined ? [] : [`${verdict.isSound ? 'Sound' : 'NOT SOUND'}: ${verdict.text}`]),
  ];
}
