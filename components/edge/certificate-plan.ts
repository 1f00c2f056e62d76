import { z } from "zod";
import { parseLines } from "../host/observation.ts";

/** How long a certificate is asked for, in days; one of the spans that Cloudflare's Origin CA knows. */
export const CERTIFICATE_DAYS = 365;
/** Renewed by the first `up` in this last part of its life, four months: long enough for any project to have one. */
const RENEWAL_SHARE = 1 / 3;

/** The certificate that the gateway shows. */
export const certificateRecord = z.strictObject({
  /** Counts the renewals; names the key, the request and the certificate that belong together. */
  generation: z.int(),
  /** SHA-256, in small hexadecimal digits. */
  fingerprint: z.string(),
  notBefore: z.iso.datetime(),
  notAfter: z.iso.datetime(),
});
export type CertificateRecord = z.infer<typeof certificateRecord>;

/**
 * Which certificate this run wants: the one that is there, or the next. Decided from the record and the clock alone, so a
 * preview and the `up` after it agree (but for the minute in which a certificate comes due).
 */
export function generationOf(previous: CertificateRecord | null | undefined, now: Date): number {
  if (!previous) return 1;
  const [begin, end] = [Date.parse(previous.notBefore), Date.parse(previous.notAfter)];
  const due = now.getTime() >= end - (end - begin) * RENEWAL_SHARE;
  return previous.generation + (due ? 1 : 0);
}

/** Reads what `certificates.sh` prints once a certificate serves. */
export function parseCertificate(stdout: string, generation: number): CertificateRecord {
  const lines = parseLines(stdout);
  return certificateRecord.parse({
    generation,
    fingerprint: lines.get("fingerprint"),
    notBefore: lines.get("notBefore"),
    notAfter: lines.get("notAfter"),
  });
}
