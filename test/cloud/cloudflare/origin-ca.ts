import { X509Certificate } from "node:crypto";
import { z } from "zod";
import { ApiError, type Route, parsed } from "./http.ts";
import type { Signer } from "./signer.ts";
import { type Account, type OriginCertificate, found, newId, now } from "./state.ts";

const VALIDITIES = [7, 30, 90, 365, 730, 1095, 5475];
const wanted = z.strictObject({
  csr: z.string(),
  hostnames: z.array(z.string().min(1)).min(1).max(200),
  request_type: z.enum(["origin-rsa", "origin-ecc", "keyless-certificate"]),
  requested_validity: z
    .number()
    .refine((days) => VALIDITIES.includes(days), `one of ${VALIDITIES.join(", ")} days`)
    .default(5475),
});

/** A day as the Origin CA writes it, unlike the rest of the API. */
const written = (date: Date): string =>
  date
    .toISOString()
    .replace("T", " ")
    .replace(/\.\d+Z$/, " +0000 UTC");

function issue(account: Account, signer: Signer, body: unknown): OriginCertificate {
  const asked = parsed(wanted, body);
  for (const hostname of asked.hostnames)
    if (account.zoneOf(hostname) === undefined)
      throw new ApiError(
        400,
        1010,
        `Failed to validate requested hostname ${hostname}: This zone is either not part of your account, or you do not have access to it.`,
      );
  const request = signer.read(asked.csr);
  if (request === undefined) throw new ApiError(400, 1101, "Failed to parse the certificate signing request");
  if (asked.request_type !== `origin-${request.keyType}`)
    throw new ApiError(
      400,
      1102,
      `The CSR has an ${request.keyType} key, the request asks for ${asked.request_type}`,
    );
  const certificate = signer.sign(asked.csr, asked.hostnames, asked.requested_validity);
  const kept: OriginCertificate = {
    ...asked,
    id: newId(),
    certificate,
    expires_on: written(new Date(new X509Certificate(certificate).validTo)),
  };
  account.certificates.set(kept.id, kept);
  return kept;
}

/** Certificates for origins; they belong to the account, not to a zone. */
export function originCaRoutes(account: Account, signer: Signer): Route[] {
  const kept = (id: string | undefined) =>
    found(account.certificates, id, 1101, "Failed to read certificate from Database");
  return [
    { method: "GET", path: "/certificates", handle: () => [...account.certificates.values()] },
    { method: "POST", path: "/certificates", handle: ({ body }) => issue(account, signer, body) },
    { method: "GET", path: "/certificates/{id}", handle: ({ params }) => kept(params["id"]) },
    {
      method: "DELETE",
      path: "/certificates/{id}",
      handle: ({ params }) => {
        const { id } = kept(params["id"]);
        account.certificates.delete(id);
        return { id, revoked_at: now() };
      },
    },
  ];
}
