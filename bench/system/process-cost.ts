/**
 * What processes cost the machine: CPU time and resident memory by /proc, and how busy all processors are.
 *
 * CPU time comes in ticks of 10 ms and counts every thread of a process (LevelDB's and libuv's too), user and kernel. The
 * files are read synchronously, so that a measurement starts and ends at one moment for all processes. The nodes' own
 * `process_cpu_seconds_total` was not taken: reading it is a request, which disturbs what is measured. Kernel threads
 * (the journal of a file system, for instance) belong to no process here; they show in the time of others.
 */
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';

/** Microseconds in one tick of /proc/PID/stat: USER_HZ is 100 on every Linux that Node.js runs on. */
const TICK_MICROSECONDS = 10_000;
/** Fields 14 and 15 of /proc/PID/stat (proc(5)), counted after the name in brackets, which is field 2. */
const USER_TICKS_FIELD = 14 - 3;
const SYSTEM_TICKS_FIELD = 15 - 3;

/** CPU time of a process since its start, microseconds; undefined where there is no such process or no /proc. */
export function cpuMicroseconds(pid: number): number | undefined {
  const stat = readProcessFile(pid, 'stat');
  if (stat === undefined) return undefined;
  // The name may hold spaces and brackets, so the fields are counted from its last bracket.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[USER_TICKS_FIELD]) + Number(fields[SYSTEM_TICKS_FIELD])) * TICK_MICROSECONDS;
}

/**
 * Time that the main thread of a process was ready to run but had no processor, since its start, microseconds; undefined where
 * there is no such process or no /proc. What an event loop waits there, everybody waits who asked it for something.
 */
export function processorWaitMicroseconds(pid: number): number | undefined {
  const [, waitNanoseconds] = readProcessFile(pid, 'schedstat')?.split(' ') ?? [];
  return waitNanoseconds === undefined ? undefined : Number(waitNanoseconds) / 1000;
}

/** Resident memory of a process, bytes; undefined where there is no such process or no /proc. */
export function residentBytes(pid: number): number | undefined {
  return bytesOf(readProcessFile(pid, 'status') ?? '', 'VmRSS');
}

/** Resident memory of a process, bytes, by what it is. */
export interface ResidentMemory {
  readonly total: number;
  /** Of its own: what the system cannot take back. */
  readonly own: number;
  /** Pages of files that it has mapped: of these the system takes back what it needs, and reads it again from the disk. */
  readonly mappedFiles: number;
}

/** Undefined where there is no such process or no /proc. */
export function residentMemory(pid: number): ResidentMemory | undefined {
  const status = readProcessFile(pid, 'status') ?? '';
  const [total, own, mappedFiles] = ['VmRSS', 'RssAnon', 'RssFile'].map((name) => bytesOf(status, name));
  if (total === undefined || own === undefined || mappedFiles === undefined) return undefined;
  return { total, own, mappedFiles };
}

/** Time that all processors together have worked since the machine started, microseconds. */
export function machineBusyMicroseconds(): number {
  return cpus().reduce((sum, { times }) => sum + (times.user + times.nice + times.sys + times.irq) * 1000, 0);
}

function bytesOf(status: string, name: string): number | undefined {
  const kibibytes = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1];
  return kibibytes === undefined ? undefined : Number(kibibytes) * 1024;
}

function readProcessFile(pid: number, name: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch {
    return undefined;
  }
}
