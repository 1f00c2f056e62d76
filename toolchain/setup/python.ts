import { join } from "node:path";
import { cachedFolder, contentKey } from "./cache.ts";
import { attempt, isExecutable, run } from "./commands.ts";
import { canInstallPackages, installPackages } from "./debian.ts";
import { paths } from "./paths.ts";
import { waits } from "./pulumi.ts";
import { type Step, StepError, type StepIo } from "./steps.ts";
import { atLeast } from "./versions.ts";

const PYTHON = "3.10.0";
const INSTALL_MS = 900_000;
/** Fails where Debian has cut off the part that makes environments. */
const QUESTION = ["-c", "import ensurepip, platform; print(platform.python_version())"];

/** The version of a python3 that can make environments; what was wrong where there is none. */
async function needPython(what: string, io: StepIo): Promise<string> {
  const ask = async () => (await attempt("python3", QUESTION)).stdout;
  let version = await ask();
  if (!atLeast(version, PYTHON) && (await canInstallPackages())) {
    io.say("installing the package python3-venv with apt-get");
    await installPackages(["python3", "python3-venv"], io.log);
    version = await ask();
  }
  if (atLeast(version, PYTHON)) return version;
  throw new StepError(
    `${what} needs python3 ≥ ${PYTHON} with venv (found: ${version === "" ? "none" : version})`,
    "install Python, on Debian and Ubuntu: sudo apt-get install python3-venv",
  );
}

const requirementsOf = (part: string) => join(paths.checkout, "toolchain", part);
const keyFor = (part: string, version: string) =>
  contentKey([requirementsOf(part)], [version, process.platform, process.arch]);

/** A program in the environment of `part`; undefined before its step has put it there. */
export async function pythonProgram(part: string, program: string): Promise<string | undefined> {
  const key = await keyFor(part, (await attempt("python3", QUESTION)).stdout);
  const path = join(paths.cache, `${part}-${key}`, "bin", program);
  return (await isExecutable(path)) ? path : undefined;
}

/**
 * Puts the packages of toolchain/`part`/requirements.txt into an environment of its own.
 * @param what for the message where there is no Python
 */
export function pythonStep(part: string, what: string): Step {
  return {
    name: part,
    needs: [],
    async run(io) {
      const key = await keyFor(part, await needPython(what, io));
      const { folder, made } = await cachedFolder(
        paths.cache,
        part,
        key,
        waits(io.say),
        async (unfinished) => {
          io.say(`installing ${part} with pip`);
          await run("python3", ["-m", "venv", unfinished], { log: io.log });
          // Scripts in it name the folder it was made in, which is renamed: only `python -m` and native programs are used.
          const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"];
          const list = join(requirementsOf(part), "requirements.txt");
          await run(join(unfinished, "bin/python"), [...pip, "-r", list], {
            log: io.log,
            timeoutMs: INSTALL_MS,
          });
        },
      );
      return { how: made ? "installed" : "cached", note: folder };
    },
  };
}
