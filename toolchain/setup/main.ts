import { freemem } from "node:os";
import { relative } from "node:path";
import { messageOf } from "../../components/message-of.ts";
import { runOnTerminal } from "./commands.ts";
import { checkToolSteps } from "./check-tools.ts";
import { bringUp } from "./dev.ts";
import { engineStep, startedEngine, stopStartedEngine } from "./engine.ts";
import { commandEnv, renderExports, shellVariables } from "./env.ts";
import { imageSteps } from "./images.ts";
import { machineStep } from "./machine.ts";
import { motoStep } from "./moto.ts";
import { paths } from "./paths.ts";
import { cloudPluginSteps, pluginSteps } from "./plugins.ts";
import { pulumiStep } from "./pulumi.ts";
import { cleanAll, takeDown } from "./remove.ts";
import { terminalReporter } from "./reporter.ts";
import { checkRelease, sampleSteps } from "./sample.ts";
import { printStatus } from "./status.ts";
import { buildsAtOnce, planSteps, runSteps } from "./steps.ts";
import { CLOUD, QUICK, SSH, TEST, type Stage, runSuite } from "./suite.ts";
import { closingLine } from "./summary.ts";
import { testToolsStep } from "./test-tools.ts";
import { IMAGES } from "./versions.ts";

const PROGRAM = [pulumiStep.name, "docker plugin", "command plugin"];
const dev = sampleSteps(["1", "2"], false);
const DEV = [
  engineStep.name,
  ...PROGRAM,
  IMAGES.nginx,
  IMAGES.postgres,
  IMAGES.redis,
  ...dev.map(({ name }) => name),
];
const CLOUD_STEPS = [...cloudPluginSteps, motoStep];
const cloudSteps = CLOUD_STEPS.map(({ name }) => name);
const CHECKS = [testToolsStep, ...checkToolSteps].map(({ name }) => name);

/** Does the steps; false when one of them failed. */
async function prepare(wanted: readonly string[], more = dev): Promise<boolean> {
  const programs = [pulumiStep, ...pluginSteps, ...CLOUD_STEPS];
  const steps = [
    engineStep,
    testToolsStep,
    ...checkToolSteps,
    machineStep,
    ...programs,
    ...imageSteps,
    ...more,
  ];
  const planned = planSteps(steps, wanted);
  const failed = await runSteps(planned, terminalReporter(paths.logs), buildsAtOnce(freemem()));
  if (failed.length > 0) process.stderr.write(`\nset-up stopped at: ${failed.join(", ")}\n`);
  return failed.length === 0;
}

async function test(stages: readonly Stage[], more: readonly string[]): Promise<number> {
  const engineBefore = await startedEngine();
  const stopOwn = async () => {
    // On a builder nothing may stay behind; at a desk the engine stays for the next run.
    if (process.env["BLUEGREEN_STOP_ENGINE"] === "1" && engineBefore === undefined) await stopStartedEngine();
  };
  if (await prepare([...DEV, ...CHECKS, machineStep.name, ...more]))
    return runSuite(stages, await commandEnv(), stopOwn);
  await stopOwn();
  process.stdout.write(`${closingLine([{ passed: 0, failed: 1 }])}\n`);
  return 1;
}

async function image(): Promise<number> {
  const release = checkRelease(process.env["RELEASE"] ?? "");
  const steps = sampleSteps([release], true);
  const names = steps.map(({ name }) => name);
  return (await prepare(names, steps)) ? 0 : 1;
}

async function bench(): Promise<number> {
  if (!(await prepare([...DEV, machineStep.name, ...cloudSteps]))) return 1;
  return runOnTerminal("npm", ["run", "--silent", "bench"], { cwd: paths.checkout, env: await commandEnv() });
}

const commands: Readonly<Record<string, () => Promise<number>>> = {
  dev: async () => ((await prepare(DEV)) ? bringUp() : 1),
  test: () => test(TEST, []),
  "test-ssh": () => test(SSH, []),
  "test-cloud": () => test(CLOUD, cloudSteps),
  "check-tools": async () => ((await prepare(CHECKS)) ? 0 : 1),
  check: async () => ((await prepare(CHECKS)) ? runSuite(QUICK, await commandEnv()) : 1),
  status: async () => ((await prepare([engineStep.name])) ? printStatus() : 1),
  env: async () => {
    const ready = await prepare(PROGRAM);
    if (ready) process.stdout.write(renderExports(await shellVariables()));
    return ready ? 0 : 1;
  },
  down: async () => ((await prepare([engineStep.name, ...PROGRAM])) ? takeDown() : 1),
  clean: cleanAll,
  image,
  bench,
};

const name = process.argv[2] ?? "";
const command = commands[name];
if (command === undefined) {
  const self = relative(process.cwd(), import.meta.filename);
  process.stderr.write(`${self}: "${name}" is no command; there are ${Object.keys(commands).join(", ")}\n`);
  process.exitCode = 2;
} else {
  try {
    process.exitCode = await command();
  } catch (error) {
    process.stderr.write(`${name}: ${messageOf(error)}\n`);
    process.exitCode = 1;
  }
}
