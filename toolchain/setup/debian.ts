import { attempt, readIfThere, run } from "./commands.ts";

/** Whether packages can be installed here without asking anyone: root on Debian, Ubuntu or one of their kin. */
export async function canInstallPackages(): Promise<boolean> {
  if (process.getuid?.() !== 0) return false;
  const release = (await readIfThere("/etc/os-release")) ?? "";
  return /^ID(_LIKE)?=.*\b(debian|ubuntu)\b/m.test(release);
}

/** Installs packages; the index is fetched first, as a fresh machine has none. */
export async function installPackages(packages: readonly string[], log: string): Promise<void> {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  // Another apt may be running (unattended upgrades of a young machine): wait for it.
  const wait = ["-o", "DPkg::Lock::Timeout=300"];
  const updated = await attempt("apt-get", [...wait, "update"], { env, log });
  if (!updated.ok)
    await run("apt-get", [...wait, "-o", "Acquire::Check-Valid-Until=false", "update"], { env, log });
  await run("apt-get", [...wait, "install", "-y", "--no-install-recommends", ...packages], { env, log });
}

/** The version `apt-get install` would bring, or undefined. */
export async function candidateVersion(name: string): Promise<string | undefined> {
  const { stdout } = await attempt("apt-cache", ["policy", name], { env: { ...process.env, LC_ALL: "C" } });
  const version = /^ {2}Candidate: (.+)$/m.exec(stdout)?.[1];
  return version === "(none)" ? undefined : version;
}
