import { readFileSync } from "node:fs";
import type { BundleFile } from "./bundle.ts";

const SCRIPTS = [
  "gateway/common.sh",
  "host/clear.sh",
  "host/observe.sh",
  "ledger/ledger.sh",
  "ledger/prune.sh",
  "data/secrets.sh",
  "data/secret-set.sh",
  "data/logins.sh",
  "slot/guard.sh",
  "slot/migrate.sh",
  "slot/only-when-live.sh",
  "gateway/gateway-apply.sh",
  "edge/certificates.sh",
  "gateway/switch/read-plan.sh",
  "gateway/switch/switch-bake.sh",
  "gateway/switch/switch-checks.sh",
  "gateway/switch/switch-maintenance.sh",
  "gateway/switch/switch-proof.sh",
  "gateway/switch/switch-record.sh",
  "gateway/switch/switch.sh",
  "gateway/watch/judge.awk",
  "gateway/watch/tell.sh",
  "gateway/watch/watch-looks.sh",
  "gateway/watch/watch.sh",
] as const;

/** The scripts that run on the host, as they stand in this checkout. */
export function hostScripts(): readonly BundleFile[] {
  return SCRIPTS.map((path) => ({
    path: path.replace(/^.*\//, ""),
    content: readFileSync(new URL(`../${path}`, import.meta.url), "utf8"),
    mode: 0o755,
  }));
}
