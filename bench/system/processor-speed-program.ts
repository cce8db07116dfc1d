/**
 * The process behind processor-speed.ts: does a piece of work over and over, a twentieth of the time or so, and tells on request how
 * often it did and the CPU time that all of it took. The work is of the kinds that a node does: short-lived objects, a map by text,
 * and bytes that do not stay in the cache.
 */
const PAUSE_MS = 70;
/** By then the work is compiled. */
const WARM_UP_PIECES = 100;
const OBJECTS = 15_000;
const BUFFER_BYTES = 65_536;
const FILLS = 10;

let pieces = 0;
let cpuMicroseconds = 0;

function piece(): number {
  const byName = new Map<string, { readonly index: number }>();
  for (let index = 0; index < OBJECTS; index += 1) byName.set(`k${(index * 7_919) % 50_021}`, { index });
  const bytes = Buffer.alloc(BUFFER_BYTES);
  for (let fill = 0; fill < FILLS; fill += 1) bytes.fill(fill + byName.size);
  return bytes[byName.size % BUFFER_BYTES] ?? 0;
}

function timedPiece(): void {
  const before = process.cpuUsage();
  piece();
  const { user, system } = process.cpuUsage(before);
  pieces += 1;
  cpuMicroseconds += user + system;
}

for (let done = 0; done < WARM_UP_PIECES; done += 1) piece();
setInterval(timedPiece, PAUSE_MS);
process.on('message', () => process.send?.({ pieces, cpuMicroseconds }));
process.on('disconnect', () => process.exit(0));
