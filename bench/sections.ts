/** All sections that the bench can fill, and which of them a run fills. */
import { capacityExperiment, type GridOptions } from './capacity/capacity.ts';
import { capacityScenarios, QUICK_SCENARIOS } from './capacity/scenarios.ts';
import type { Experiment } from './experiments/experiment.ts';
import { EXPERIMENTS } from './experiments/index.ts';
import { latencyExperiment } from './latency/latency.ts';
import { manyConnectionsExperiment } from './many-connections/many-connections.ts';
import { manyKeysExperiment } from './many-keys/many-keys.ts';
import { groupExperiment } from './matrix/group.ts';
import { GROUPS } from './matrix/groups.ts';
import { etcdExperiment } from './peer/peer.ts';

/** Other stores that can be measured in the same run. */
export const PEERS = ['etcd'] as const;
export type Peer = (typeof PEERS)[number];

/** What chooses sections. */
export interface SectionChoice extends GridOptions {
  readonly isQuick: boolean;
  readonly only: readonly string[] | undefined;
  readonly isMatrix: boolean;
  readonly peer: Peer | undefined;
  /** Keys on each node of the section `many-keys`. */
  readonly manyKeys: number;
}

/** When a section is filled without being named. */
type Occasion = 'default' | 'matrix' | 'peer';

/** One section of the list. */
interface ListedSection {
  readonly id: string;
  readonly title: string;
  readonly occasion: Occasion;
  readonly make: (choice: SectionChoice) => Experiment;
}

const SCENARIO_NAMES = capacityScenarios(0).map(({ name }) => name);

/** In the order of the report. */
const LISTED_SECTIONS: readonly ListedSection[] = [
  ...EXPERIMENTS.map((experiment) => ({
    id: experiment.id,
    title: experiment.title,
    occasion: 'default' as const,
    make: () => experiment,
  })),
  {
    id: 'capacity',
    title: 'Capacity and cost of single requests',
    occasion: 'default',
    make: (choice) => capacityExperiment(choice, chosenScenarios(choice)),
  },
  {
    id: 'latency',
    title: 'Latency at half of the capacity',
    occasion: 'default',
    make: ({ measuring, storedKeys, isQuick }) =>
      latencyExperiment({
        repeats: measuring.repeats,
        warmUpMs: measuring.warmUpMs,
        measureMs: isQuick ? 1_000 : measuring.measureMs,
        storedKeys,
      }),
  },
  ...GROUPS.map((group) => ({
    id: group.id,
    title: group.title,
    occasion: 'matrix' as const,
    make: (choice: SectionChoice) => groupExperiment(group, choice),
  })),
  {
    id: 'many-keys',
    title: 'A great many keys',
    occasion: 'matrix',
    make: manyKeysExperiment,
  },
  {
    id: 'many-connections',
    title: 'A great many connections, and slow readers',
    occasion: 'matrix',
    make: manyConnectionsExperiment,
  },
  {
    id: 'peer-etcd',
    title: 'Beside etcd',
    occasion: 'peer',
    make: etcdExperiment,
  },
];

/** All that `--only` takes: sections, and scenarios of the section `capacity`. */
export const NAMES: readonly string[] = [...LISTED_SECTIONS.map(({ id }) => id), ...SCENARIO_NAMES];

/** The sections of a run, in order. */
export function chooseExperiments(choice: SectionChoice): readonly Experiment[] {
  return LISTED_SECTIONS.filter((section) => isChosen(section, choice)).map(({ make }) => make(choice));
}

/** For `--list`: a line for each name. */
export function describeSections(): string {
  const sections = LISTED_SECTIONS.map(
    ({ id, title, occasion }) =>
      `  ${id.padEnd(24)} ${title}${occasion === 'default' ? '' : occasion === 'peer' ? ` (--peer ${id.replace('peer-', '')})` : ` (--${occasion})`}`,
  );
  const scenarios = capacityScenarios(0).map(
    ({ name, title, isDefault }) => `  ${name.padEnd(24)} ${title}${isDefault ? '' : ' (only if named)'}`,
  );
  return ['Sections:', ...sections, '', 'Scenarios of the section capacity:', ...scenarios].join('\n');
}

function isChosen({ id, occasion }: ListedSection, { only, isMatrix, peer }: SectionChoice): boolean {
  if (occasion === 'peer' && peer !== undefined && id === `peer-${peer}`) return true;
  if (only !== undefined) {
    return only.includes(id) || (id === 'capacity' && only.some((name) => SCENARIO_NAMES.includes(name)));
  }
  return occasion === (isMatrix ? 'matrix' : 'default');
}

/** Undefined: those of the default run. */
function chosenScenarios({ only, isQuick }: SectionChoice): readonly string[] | undefined {
  const names = only?.filter((name) => SCENARIO_NAMES.includes(name)) ?? [];
  if (names.length > 0) return names;
  return isQuick ? QUICK_SCENARIOS : undefined;
}
