import { attempt, which } from "./commands.ts";
import { canInstallPackages, installPackages } from "./debian.ts";
import { type Step, StepError } from "./steps.ts";

/** What only the tests need, and the Debian package that brings it. */
const TOOLS = [
  { program: "shellcheck", package: "shellcheck" },
  { program: "sshd", package: "openssh-server" },
  { program: "ip", package: "iproute2" },
  { program: "openssl", package: "openssl" },
  { program: "chromium", package: "chromium" },
];

async function missingTools(): Promise<typeof TOOLS> {
  // A user's PATH may lack the folders of the system's own programs, where sshd is.
  const path = `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin`;
  const found = await Promise.all(TOOLS.map(({ program }) => which(program, path)));
  return TOOLS.filter((_, index) => found[index] === undefined);
}

/** Finds the tests' tools; as root on Debian or Ubuntu what is missing is installed. */
export const testToolsStep: Step = {
  name: "test tools",
  needs: [],
  async run({ log, say }) {
    const missing = await missingTools();
    if (missing.length === 0) return { how: "found" };
    const packages = missing.map((tool) => tool.package);
    if (!(await canInstallPackages()))
      throw new StepError(
        `the tests need ${missing.map(({ program }) => program).join(" and ")}`,
        `install ${packages.join(" and ")}, on Debian and Ubuntu: sudo apt-get install ${packages.join(" ")}`,
      );
    say(`installing ${packages.join(" and ")} with apt-get`);
    const ssh = packages.includes("openssh-server");
    await installPackages(packages, log);
    // The tests start an sshd of their own; the machine's own is nobody's wish here.
    if (ssh) await attempt("systemctl", ["disable", "--now", "ssh"], { log, timeoutMs: 30_000 });
    return { how: "installed", note: packages.join(", ") };
  },
};
