/** A time in seconds since 1970 as people and scripts read it: `2026-11-29T22:30:00Z`. */
export function clock(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace(/\.\d+Z$/, "Z");
}
