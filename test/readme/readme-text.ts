/**
 * README.md as its tests see it: sections, the fenced blocks in them, and tables.
 *
 * In a shell block, lines that begin with `# ->` say what the commands before them print; in a TypeScript block a comment
 * that begins with `// ->` says what its line prints. Whoever reads the page needs no other key to it, and so no other
 * marks are used: what has to be known about a block beside its text is in exceptions.ts.
 */
import { textOf } from '../house/project.ts';

/** Languages of blocks; `text` is for drawings. */
export const LANGUAGES: readonly string[] = ['sh', 'ts', 'json', 'text'];

export interface Block {
  readonly language: string;
  /** Without the fences. */
  readonly code: string;
  /** Of its first line of code, from 1. */
  readonly line: number;
}

export interface Section {
  readonly title: string;
  readonly text: string;
  readonly blocks: readonly Block[];
}

/** Commands that are run together, and what the page says that they print. */
export interface Step {
  readonly command: string;
  readonly expected: readonly string[];
}

const FENCE = '```';
const SHELL_OUTPUT = '# -> ';
const PROGRAM_OUTPUT = '// -> ';

/** The sections of the page, the first one named by the page's own title. Throws for a block that does not end. */
export function sectionsOf(text: string): readonly Section[] {
  const sections: { title: string; lines: string[]; blocks: Block[] }[] = [];
  let open: { language: string; line: number; lines: string[] } | undefined;
  for (const [index, line] of text.split('\n').entries()) {
    const section = sections.at(-1);
    if (line.startsWith(FENCE)) {
      if (open === undefined) open = { language: line.slice(FENCE.length), line: index + 2, lines: [] };
      else {
        section?.blocks.push({ language: open.language, line: open.line, code: open.lines.join('\n') });
        open = undefined;
      }
    } else if (open !== undefined) open.lines.push(line);
    else if (/^##? /.test(line)) sections.push({ title: line.replace(/^#+ /, ''), lines: [], blocks: [] });
    else section?.lines.push(line);
  }
  if (open !== undefined) throw new Error(`the block at line ${open.line} does not end`);
  return sections.map(({ title, lines, blocks }) => ({ title, text: lines.join('\n'), blocks }));
}

/** The steps of a shell block. The last one has nothing to print if the page does not say what. */
export function stepsOf(code: string): readonly Step[] {
  const steps: { command: string[]; expected: string[] }[] = [];
  for (const line of code.split('\n')) {
    const last = steps.at(-1);
    if (line.startsWith(SHELL_OUTPUT)) {
      if (last === undefined) throw new Error(`${line}: there is no command before it`);
      last.expected.push(line.slice(SHELL_OUTPUT.length));
    } else if (last === undefined || last.expected.length > 0) steps.push({ command: [line], expected: [] });
    else last.command.push(line);
  }
  return steps.map(({ command, expected }) => ({ command: command.join('\n'), expected }));
}

/** A shell block without what the page says that it prints. */
export function commandsOf(code: string): string {
  return code
    .split('\n')
    .filter((line) => !line.startsWith(SHELL_OUTPUT))
    .join('\n');
}

/** What the page says that a program prints. */
export function printedBy(program: string): readonly string[] {
  return program.split('\n').flatMap((line) => {
    const start = line.indexOf(PROGRAM_OUTPUT);
    return start === -1 ? [] : [line.slice(start + PROGRAM_OUTPUT.length)];
  });
}

/** The page's sections, and one of them by its title. */
export const README = textOf('README.md');
export const SECTIONS = sectionsOf(README);

export function sectionNamed(title: string): Section {
  const section = SECTIONS.find((candidate) => candidate.title === title);
  if (section === undefined) throw new Error(`README.md has no section "${title}"`);
  return section;
}

/** The rows of a section's table whose first column has this head. Throws if there is none. */
export function tableRows(title: string, head: string): readonly (readonly string[])[] {
  const lines = sectionNamed(title).text.split('\n');
  const start = lines.findIndex((line) => line.startsWith(`| ${head} |`));
  if (start === -1) throw new Error(`the section "${title}" has no table of "${head}"`);
  const rest = lines.slice(start + 2);
  const end = rest.findIndex((line) => !line.startsWith('|'));
  return rest
    .slice(0, end === -1 ? rest.length : end)
    .map((line) => line.slice(1, -1).split('|').map(trimmed));
}

/** What stands between backticks. */
export function codesIn(text: string): readonly string[] {
  return [...text.matchAll(/`([^`\n]+)`/g)].map(([, code]) => code ?? '');
}

function trimmed(cell: string): string {
  return cell.trim();
}
