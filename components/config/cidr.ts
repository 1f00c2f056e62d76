/** The length of an IPv4 range's prefix, `undefined` for anything that is not one in its usual spelling (`203.0.113.0/24`). */
export function prefixLength(cidr: string): number | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(cidr);
  if (match === null) return undefined;
  const [a = 0, b = 0, c = 0, d = 0, length = 0] = match.slice(1).map(Number);
  if (Math.max(a, b, c, d) > 255 || length > 32) return undefined;
  // AWS stores a range without its host bits: one that has some would differ for ever.
  const address = ((a * 256 + b) * 256 + c) * 256 + d;
  return address % 2 ** (32 - length) === 0 ? length : undefined;
}
