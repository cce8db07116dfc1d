/** What was read is not what the format allows: damage, another version, or a hostile sender. */
export class FormatError extends Error {
  override readonly name = 'FormatError';
}
