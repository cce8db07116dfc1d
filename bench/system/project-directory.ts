/** Where the checkout lies that the bench belongs to. */
import { fileURLToPath } from 'node:url';

export const PROJECT_DIRECTORY = fileURLToPath(new URL('../..', import.meta.url));
