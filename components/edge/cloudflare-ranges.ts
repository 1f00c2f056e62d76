// The addresses Cloudflare calls origins from. Constants, so that a preview needs no network and two deployers see the
// same plan; `rangesDrift` tells when Cloudflare has published others since.
//
// Source: https://www.cloudflare.com/ips-v4 and https://www.cloudflare.com/ips-v6, the list of 2023-09-28, which was the
// newest one in November 2026.
export const CLOUDFLARE_IPV4 = [
  "103.21.244.0/22",
  "103.22.200.0/22",
  "103.31.4.0/22",
  "104.16.0.0/13",
  "104.24.0.0/14",
  "108.162.192.0/18",
  "131.0.72.0/22",
  "141.101.64.0/18",
  "162.158.0.0/15",
  "172.64.0.0/13",
  "173.245.48.0/20",
  "188.114.96.0/20",
  "190.93.240.0/20",
  "197.234.240.0/22",
  "198.41.128.0/17",
] as const;

export const CLOUDFLARE_IPV6 = [
  "2400:cb00::/32",
  "2405:8100::/32",
  "2405:b500::/32",
  "2606:4700::/32",
  "2803:f800::/32",
  "2a06:98c0::/29",
  "2c0f:f248::/32",
] as const;

/** Ranges that Cloudflare publishes and these constants lack, and the other way round; empty while they agree. */
export function rangesDrift(published: readonly string[]): {
  readonly missing: readonly string[];
  readonly gone: readonly string[];
} {
  const known: readonly string[] = [...CLOUDFLARE_IPV4, ...CLOUDFLARE_IPV6];
  return {
    missing: published.filter((range) => !known.includes(range)).sort(),
    gone: known.filter((range) => !published.includes(range)),
  };
}
