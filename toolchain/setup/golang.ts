import { attempt, which } from "./commands.ts";
import { canInstallPackages, candidateVersion, installPackages } from "./debian.ts";
import { type StepIo, StepError } from "./steps.ts";
import { GO, atLeast } from "./versions.ts";

let installation: Promise<void> | undefined;

/**
 * Makes sure that Go is here and new enough to build the tools from source.
 * @param what the thing to be built, for the message
 */
export async function needGo(what: string, io: StepIo): Promise<void> {
  const found = (await which("go")) === undefined ? "" : (await attempt("go", ["version"])).stdout;
  if (atLeast(found.replace(/^go version go/, ""), GO)) return;
  if ((await canInstallPackages()) && atLeast((await candidateVersion("golang-go")) ?? "", GO)) {
    io.say("installing the package golang-go with apt-get");
    // Several steps want it at once; one installation serves them all.
    installation ??= installPackages(["golang-go"], io.log);
    await installation;
    return;
  }
  throw new StepError(
    `${what} cannot be downloaded from here, and building it from source needs Go ≥ ${GO} (found: ${found || "none"})`,
    "install Go (https://go.dev/dl/) and put it on PATH, or make https://get.pulumi.com reachable",
  );
}
