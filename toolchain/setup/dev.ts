import { attempt, runOnTerminal, tail } from "./commands.ts";
import { type Leftovers, isEmpty, objectsOf, removalCommands } from "./docker.ts";
import { commandEnv } from "./env.ts";
import { paths } from "./paths.ts";
import { SAMPLE_IMAGES, sampleImage } from "./sample.ts";
import { STACK, type StackOutputs, knowsNetwork, stackOutputs } from "./stack.ts";

/** What to say when the engine has a dev stack that this state knows nothing of. */
export function strangersMessage(found: Leftovers, state: string): string {
  const names = [...found.containers, ...found.networks.map((name) => `network ${name}`)];
  const all = [...names, ...found.volumes.map((name) => `volume ${name}`)].join(", ");
  return [
    `the Docker engine has a stack "${STACK}" that the state in ${state} does not know: ${all}.`,
    "It was made with another HOME or another backend (or its first `up` was cut off). Nothing was changed. To mend it:",
    "  - run `make down` where it was made, or",
    "  - remove it here, with the data in its volumes:",
    ...removalCommands(found).map((command) => `      ${command.join(" ")}`),
  ].join("\n");
}

/** What a person can do next. */
export function nextSteps(out: StackOutputs): string {
  const live = out.live ?? "none";
  const idle = live === "blue" ? "green" : "blue";
  const releaseOf = (color: "blue" | "green") => out.releases?.[color]?.release ?? "none";
  const numbers = [releaseOf("blue"), releaseOf("green")].map(Number).filter(Number.isInteger);
  const next = Math.max(0, ...numbers) + 1;
  const images = SAMPLE_IMAGES.map((what) => [what, sampleImage(what, String(next))] as const);
  const named = images.map(([what, image]) => `${what}=${image}`);
  const byHand = images.map(
    ([what, image]) => `    pulumi config set --stack ${STACK} --path ${idle}.images.${what} ${image}`,
  );
  return `
  ${out.url ?? ""}
  live     ${live}
  blue     release ${releaseOf("blue")}
  green    release ${releaseOf("green")}

  For a shell in which the commands below work:
    eval "$(make -s env)"

  Release ${next} onto ${idle} and send visitors there, and the way back:
    make image RELEASE=${next}
    npx bluegreen deploy --image ${named.join(" ")}
    npx bluegreen rollback

  The same by hand. Release ${next} onto ${idle}, beside the live slot:
    pulumi config set --stack ${STACK} --path ${idle}.release ${next} --type string
${byHand.join("\n")}
    pulumi up --stack ${STACK}

  Flip to it:
    pulumi config set active ${idle} --stack ${STACK} && pulumi up --stack ${STACK}

  Roll back:
    pulumi config set active ${live} --stack ${STACK} && pulumi up --stack ${STACK}

  Look at it: make status     Remove it: make down
`;
}

/** Brings the dev stack up, once everything it needs is there. Gives the exit code. */
export async function bringUp(): Promise<number> {
  const env = await commandEnv();
  const found = await objectsOf(STACK);
  if (!isEmpty(found) && !(await knowsNetwork(env))) {
    process.stderr.write(`\n${strangersMessage(found, env["PULUMI_BACKEND_URL"] ?? "the backend")}\n`);
    return 1;
  }
  const select = ["stack", "select", STACK, "--create", "--non-interactive"];
  const selected = await attempt("pulumi", select, { env, cwd: paths.checkout });
  if (!selected.ok) {
    process.stderr.write(`\nthe stack "${STACK}" cannot be selected:\n${tail(selected.output, 20)}\n`);
    return 1;
  }
  // The outputs come below, in words; dots of progress are for a terminal only.
  const quiet = ["--suppress-outputs", ...(process.stderr.isTTY ? [] : ["--suppress-progress"])];
  const up = ["up", "--stack", STACK, "--yes", "--skip-preview", ...quiet];
  const code = await runOnTerminal("pulumi", up, { env, cwd: paths.checkout });
  if (code !== 0) {
    process.stderr.write(
      "\n`pulumi up` failed; what served before still serves. Run `make dev` again to go on.\n",
    );
    return code;
  }
  const out = await stackOutputs(env);
  process.stdout.write(nextSteps(out ?? {}));
  return 0;
}
