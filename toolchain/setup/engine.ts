import { join } from "node:path";
import { attempt, readIfThere, run, which } from "./commands.ts";
import { canInstallPackages, installPackages } from "./debian.ts";
import { paths } from "./paths.ts";
import { type How, type Step, StepError } from "./steps.ts";

const START = join(paths.checkout, "toolchain/engine/start.sh");
const STOP = join(paths.checkout, "toolchain/engine/stop.sh");
const FOLDER = join(paths.cache, "engine");
const DOCS = "https://docs.docker.com/engine/install/";

/** The version of the engine that answers, or why none does. */
async function askEngine(): Promise<{ readonly version?: string; readonly denied: boolean }> {
  const ran = await attempt("docker", ["version", "--format", "{{.Server.Version}}"], { timeoutMs: 20_000 });
  if (ran.ok) return { version: ran.stdout.trim(), denied: false };
  return { denied: /permission denied/i.test(ran.output) };
}

async function systemdRuns(): Promise<boolean> {
  return (await readIfThere("/proc/1/comm"))?.trim() === "systemd";
}

/** Finds a Docker engine; as root on Debian or Ubuntu one is installed, an installed one is started. */
export const engineStep: Step = {
  name: "docker engine",
  needs: [],
  async run({ log, say }) {
    let how: How = "found";
    const before = await askEngine();
    if (before.version !== undefined) return { how, note: before.version };
    if (before.denied)
      throw new StepError(
        "a Docker engine runs, but this user may not use it",
        'sudo usermod -aG docker "$USER", then log out and in',
      );
    const address = process.env["DOCKER_HOST"];
    if (address !== undefined && address !== "")
      throw new StepError(
        `DOCKER_HOST is "${address}", and no engine answers there`,
        "start that engine, or `unset DOCKER_HOST` to use this machine's own",
      );
    const root = process.getuid?.() === 0;
    if ((await which("docker")) === undefined || (await which("dockerd")) === undefined) {
      if (!(await canInstallPackages()))
        throw new StepError(
          "no Docker engine was found, and only root on Debian or Ubuntu can have it installed from here",
          `install and start Docker (${DOCS}), or run this as root on Debian or Ubuntu`,
        );
      say("installing the packages docker.io and iptables with apt-get");
      await installPackages(["docker.io", "iptables"], log);
      // Newer Debian has the client in a package of its own.
      if ((await which("docker")) === undefined) await installPackages(["docker-cli"], log);
      how = "installed";
    }
    if (!root)
      throw new StepError("the Docker engine is installed but does not run", "sudo systemctl start docker");
    say("starting the engine");
    // A service that won't start is no reason to give up: the engine is then started directly, and its log says why not.
    if (await systemdRuns()) await attempt("systemctl", ["start", "docker"], { log, timeoutMs: 60_000 });
    await run(START, [FOLDER], { log });
    const after = await askEngine();
    return { how: how === "installed" ? how : "started", note: after.version ?? "" };
  },
};

/** The pid of the engine that was started from here and still runs. */
export async function startedEngine(): Promise<string | undefined> {
  const pid = (await readIfThere(join(FOLDER, "dockerd.pid")))?.trim();
  if (pid === undefined || pid === "") return undefined;
  return (await readIfThere(`/proc/${pid}/comm`))?.trim() === "dockerd" ? pid : undefined;
}

/** Stops the engine that was started from here; does nothing about any other. */
export async function stopStartedEngine(): Promise<void> {
  await run(STOP, [FOLDER]);
}
