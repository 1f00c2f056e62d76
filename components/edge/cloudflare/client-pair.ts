/** A client certificate and its key, as PEM. */
export interface ClientPair {
  readonly certificate: string;
  readonly privateKey: string;
}

/** Reads what `certificates.sh DIR clients` prints. What is wrong is never shown: half of it is a private key. */
export function parseClientPair(stdout: string): ClientPair {
  const block = (what: string): string => {
    const found = new RegExp(`-----BEGIN ${what}-----[^-]+-----END ${what}-----`).exec(stdout)?.[0];
    if (found === undefined) throw new Error(`certificates.sh printed no ${what.toLowerCase()}`);
    return `${found}\n`;
  };
  return { certificate: block("CERTIFICATE"), privateKey: block("PRIVATE KEY") };
}
