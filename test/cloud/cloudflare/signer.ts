import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What a certificate request asks for. */
export interface CertificateRequest {
  readonly keyType: "ecc" | "rsa";
}

/**
 * A certificate authority of its own, as Cloudflare's Origin CA is one: it really signs, so that whoever trusts
 * {@link root} can check what it signed. Its folder is removed by {@link close}.
 */
export class Signer {
  readonly root: string;
  readonly #folder = mkdtempSync(join(tmpdir(), "bluegreen-origin-ca-"));

  constructor(name = "Origin CA of a test") {
    const request = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    const out = ["-keyout", this.#path("ca.key"), "-out", this.#path("ca.pem"), "-days", "3650"];
    const uses = ["-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign"];
    openssl([...request, ...out, ...uses, "-subj", `/O=${name}/CN=${name}`]);
    this.root = openssl(["x509", "-in", this.#path("ca.pem")]);
  }

  #path(name: string): string {
    return join(this.#folder, name);
  }

  /** What is in a request, or undefined for a text that is none or whose signature is not its own key's. */
  read(csr: string): CertificateRequest | undefined {
    try {
      const text = openssl(["req", "-verify", "-noout", "-text"], csr);
      return { keyType: /Public Key Algorithm: id-ecPublicKey/.test(text) ? "ecc" : "rsa" };
    } catch {
      return undefined;
    }
  }

  /** A certificate for these names, whatever names the request had: as Cloudflare does. Only the key is taken from it. */
  sign(csr: string, hostnames: readonly string[], days: number): string {
    writeFileSync(this.#path("request.pem"), csr);
    const names = hostnames.map((name) => `DNS:${name}`).join(",");
    writeFileSync(
      this.#path("extensions"),
      `basicConstraints=critical,CA:FALSE\nextendedKeyUsage=clientAuth,serverAuth\nsubjectAltName=${names}\n`,
    );
    const by = ["-CA", this.#path("ca.pem"), "-CAkey", this.#path("ca.key"), "-CAcreateserial"];
    const what = ["-in", this.#path("request.pem"), "-extfile", this.#path("extensions")];
    return openssl(["x509", "-req", ...what, ...by, "-days", String(days), "-sha256"]);
  }

  close(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function openssl(args: readonly string[], input = ""): string {
  return execFileSync("openssl", args, { input, encoding: "utf8", stdio: ["pipe", "pipe", "pipe"] });
}
