import { join } from "node:path";
import { cachedFolder, contentKey } from "./cache.ts";
import { attempt, isExecutable, run } from "./commands.ts";
import { canInstallPackages, installPackages } from "./debian.ts";
import { paths } from "./paths.ts";
import { waits } from "./pulumi.ts";
import { type Step, StepError, type StepIo } from "./steps.ts";
import { atLeast } from "./versions.ts";

const SOURCE = join(paths.checkout, "toolchain/moto");
const PYTHON = "3.10.0";
const INSTALL_MS = 900_000;
/** Fails where Debian has cut off the part that makes environments. */
const QUESTION = ["-c", "import ensurepip, platform; print(platform.python_version())"];

/** The version of a python3 that can make environments; what was wrong where there is none. */
async function needPython(io: StepIo): Promise<string> {
  const ask = async () => (await attempt("python3", QUESTION)).stdout;
  let version = await ask();
  if (!atLeast(version, PYTHON) && (await canInstallPackages())) {
    io.say("installing the package python3-venv with apt-get");
    await installPackages(["python3", "python3-venv"], io.log);
    version = await ask();
  }
  if (atLeast(version, PYTHON)) return version;
  throw new StepError(
    `the local AWS API needs python3 ≥ ${PYTHON} with venv (found: ${version === "" ? "none" : version})`,
    "install Python, on Debian and Ubuntu: sudo apt-get install python3-venv",
  );
}

const keyFor = (version: string) => contentKey([SOURCE], [version, process.platform, process.arch]);

/** The Python that has moto. @throws Error before the step has put it there */
export async function motoPython(): Promise<string> {
  const key = await keyFor((await attempt("python3", QUESTION)).stdout);
  const python = join(paths.cache, `moto-${key}`, "bin/python");
  if (!(await isExecutable(python))) throw new Error("moto is not installed: run `make test-cloud`");
  return python;
}

/** The folder of the environment with moto in it, for the Python that is here. */
async function motoFolder(version: string, io: StepIo): Promise<{ folder: string; made: boolean }> {
  return cachedFolder(paths.cache, "moto", await keyFor(version), waits(io.say), async (unfinished) => {
    io.say("installing moto with pip");
    await run("python3", ["-m", "venv", unfinished], { log: io.log });
    // Its own scripts name the folder it was made in, which is renamed: only `python -m` is used.
    const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"];
    await run(join(unfinished, "bin/python"), [...pip, "-r", join(SOURCE, "requirements.txt")], {
      log: io.log,
      timeoutMs: INSTALL_MS,
    });
  });
}

/** Puts moto, which answers as AWS does, into an environment of its own. */
export const motoStep: Step = {
  name: "moto",
  needs: [],
  async run(io) {
    const { folder, made } = await motoFolder(await needPython(io), io);
    return { how: made ? "installed" : "cached", note: folder };
  },
};
