import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { attempt, run, runOnTerminal } from "./commands.ts";
import { PROJECT, engineAnswers, objectsOfProject, ownImages, removalCommands } from "./docker.ts";
import { stopStartedEngine } from "./engine.ts";
import { commandEnv } from "./env.ts";
import { paths } from "./paths.ts";
import { STACK } from "./stack.ts";

const say = (text: string) => process.stderr.write(`${text}\n`);

/** Destroys the dev stack and removes its folder. Gives the exit code. */
export async function takeDown(): Promise<number> {
  const env = await commandEnv();
  const known = await attempt("pulumi", ["stack", "export", "--stack", STACK], { env, cwd: paths.checkout });
  if (known.ok) {
    const args = ["destroy", "--stack", STACK, "--yes", "--skip-preview"];
    const code = await runOnTerminal("pulumi", args, { env, cwd: paths.checkout });
    if (code !== 0) return code;
  } else say(`there is no stack "${STACK}" in ${env["PULUMI_BACKEND_URL"] ?? "the backend"}`);
  await rm(join(paths.state, `${PROJECT}-${STACK}`), { recursive: true, force: true });
  return 0;
}

/**
 * Removes all that was made: every container, network and volume with the project's label, the images built here, the
 * caches, the state, and the engine if it was started from here.
 */
export async function cleanAll(): Promise<number> {
  if (await engineAnswers()) {
    for (const [command = "docker", ...args] of removalCommands(await objectsOfProject()))
      await run(command, args);
    const images = await ownImages();
    if (images.length > 0) {
      const removed = await attempt("docker", ["rmi", "--force", ...images]);
      if (!removed.ok) say(`some images stay, because containers of others use them:\n${removed.output}`);
    }
  } else say("no Docker engine answers: its containers and images stay as they are");
  await stopStartedEngine();
  for (const folder of [paths.state, paths.cache]) {
    if (existsSync(folder)) say(`removing ${folder}`);
    await rm(folder, { recursive: true, force: true });
  }
  return 0;
}
