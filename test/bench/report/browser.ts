/** A real browser for tests: Chromium, wherever the PATH has it. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];

/** Undefined if there is none. */
export const BROWSER = findBrowser();

/** Starts it without a display. Only if there is one. */
export async function launchBrowser(): Promise<Browser> {
  if (BROWSER === undefined) throw new Error(`none of ${NAMES.join(', ')} is on the PATH`);
  // Inside of containers, where tests often run as root, its own sandbox does not start.
  return chromium.launch({ executablePath: BROWSER, args: ['--no-sandbox'] });
}

function findBrowser(): string | undefined {
  const directories = (process.env['PATH'] ?? '').split(delimiter);
  return NAMES.flatMap((name) => directories.map((directory) => join(directory, name))).find((file) => {
    try {
      accessSync(file, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
