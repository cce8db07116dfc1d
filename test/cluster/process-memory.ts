/** How much memory a process has, as Linux tells it. */
import { readFile } from 'node:fs/promises';

export interface ProcessMemory {
  readonly residentBytes: number;
  /** The most that was ever resident. */
  readonly peakBytes: number;
}

/** Why it cannot be asked on this machine; undefined if it can. */
export function whyNoProcessMemory(): string | undefined {
  return process.platform === 'linux' ? undefined : 'only Linux has /proc';
}

export async function memoryOf(pid: number): Promise<ProcessMemory> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return { residentBytes: bytesIn(status, 'VmRSS'), peakBytes: bytesIn(status, 'VmHWM') };
}

function bytesIn(status: string, field: string): number {
  const kibibytes = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1];
  if (kibibytes === undefined) throw new Error(`no ${field} in ${status}`);
  return Number(kibibytes) * 1024;
}
