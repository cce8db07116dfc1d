/** A reason not to start that the operator has to solve; the process exits 78. */
export class StartRefused extends Error {
  override readonly name = 'StartRefused';
  readonly code: 'foreign-store' | 'configuration-changed' | 'newer-format' | 'unreadable-store';

  constructor(code: StartRefused['code'], message: string) {
    super(message);
    this.code = code;
  }
}
