/** Cross-origin requests (Fetch standard, CORS protocol) for the configured origins; `*` allows any. */
import { HEADERS } from '../../api/headers.ts';

const EXPOSED = [...Object.values(HEADERS), 'ETag', 'Retry-After', 'Server-Timing'].join(', ');
const ALLOWED_HEADERS = [
  ...Object.values(HEADERS),
  'Accept',
  'Authorization',
  'Content-Type',
  'If-Match',
  'If-None-Match',
  'Prefer',
].join(', ');
/** Seconds that a browser may remember a preflight's answer. */
const PREFLIGHT_SECONDS = '600';

export class CrossOrigin {
  readonly #origins: ReadonlySet<string>;
  readonly #any: boolean;

  constructor(origins: readonly string[]) {
    this.#origins = new Set(origins);
    this.#any = this.#origins.has('*');
  }

  /** Value of `Vary`: answers differ by origin only where some origin is allowed. */
  get vary(): string {
    return this.#origins.size === 0 || this.#any ? 'Accept, Prefer' : 'Accept, Prefer, Origin';
  }

  /** Adds what lets a page of this origin read the answer; nothing for an origin that is not allowed. */
  addTo(headers: Record<string, string>, origin: string): void {
    if (!this.#allows(origin)) return;
    headers['Access-Control-Allow-Origin'] = this.#any ? '*' : origin;
    headers['Access-Control-Expose-Headers'] = EXPOSED;
  }

  /** Headers of the answer to a preflight, beside those of `addTo`. */
  preflightHeaders(origin: string | undefined, methods: string): Record<string, string> {
    if (origin === undefined || !this.#allows(origin)) return {};
    return {
      'Access-Control-Allow-Methods': methods,
      'Access-Control-Allow-Headers': ALLOWED_HEADERS,
      'Access-Control-Max-Age': PREFLIGHT_SECONDS,
    };
  }

  #allows(origin: string): boolean {
    return this.#any || this.#origins.has(origin);
  }
}
