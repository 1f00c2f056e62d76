import { globSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { z } from "zod";
import { messageOf } from "../components/message-of.ts";
import { attempt } from "../toolchain/setup/commands.ts";
import { commandEnv } from "../toolchain/setup/env.ts";
import { paths } from "../toolchain/setup/paths.ts";
import { stackNamed, stackOf } from "./branches.ts";
import { askDeployed, carryInto, carryOnto } from "./carry.ts";
import { driftCode, driftOf, renderDrift } from "./drift/report.ts";
import { putComment } from "./github/comments.ts";
import { renderNotice, writeOutputs } from "./github/outputs.ts";
import { deliverImages } from "./image/deliver.ts";
import { deliveriesOf } from "./image/sample.ts";
import { MARKER, renderComment } from "./preview/comment.ts";
import { isSound, planOf, stackPlan } from "./preview/plan.ts";
import { previewStack } from "./preview/run.ts";
import { standingOf } from "./standing.ts";
import { holdOpen } from "./way/open.ts";
import { wayOf } from "./way/way.ts";

const USAGE = `usage: npm run --silent delivery -- <command>
  stack-of --ref REF                            the stack that a push deploys to
  carry --stack STACK                           the last update's releases, into the stack's file of this checkout
  carry --stack STACK --onto FOLDER --ref REF   all of the last update, into the stack's file of a checkout of its commit; secrets
                                                are this checkout's, where REF, which it is of, is the stack's branch
  preview --stack STACK --file FILE             the plan of a stack, as JSON
  comment --pull-request N --commit SHA --repository OWNER/NAME --plans FOLDER   the plans, as the pull request's one comment
  images --repository REGISTRY/PATH --commit SHA [--cache TAG]           every image of a release: built, tried, scanned, then
                                                pushed below the repository; the digests come out as api=…, web=…
  way --stack STACK --log FILE                  opens the way to the stack's host, where one has to be held open
  standing --stack STACK --commit SHA           whether a later commit is deployed, and which releases its contract names
  deployed --stack STACK                        the commit of the last update
  drift --stack STACK                           where the stack and what really runs differ: ends with 1, or 2 where nobody can tell
Outputs go to stdout as name=value, with --output FILE into that file.
`;

const OPTIONS = {
  ref: { type: "string" },
  stack: { type: "string" },
  file: { type: "string" },
  "pull-request": { type: "string" },
  commit: { type: "string" },
  repository: { type: "string" },
  cache: { type: "string" },
  log: { type: "string" },
  plans: { type: "string" },
  output: { type: "string" },
  onto: { type: "string" },
} as const;

/** Before a machine that is there answers through a new session, seconds pass; minutes mean that none is. */
const WAY_LIMIT_MS = 120_000;

const { values, positionals } = parseArgs({ options: OPTIONS, allowPositionals: true });
const [name = ""] = positionals;

function option(key: keyof typeof OPTIONS): string {
  const value = values[key];
  if (value === undefined) throw new Error(`--${key} is missing\n${USAGE}`);
  return value;
}

const stack = () => stackNamed(option("stack"));
const stackText = (of: string) => readFile(join(paths.checkout, `Pulumi.${of}.yaml`), "utf8");
const say = (text: string) => process.stderr.write(`${text}\n`);

/** The colour that a stack's file asks for. */
async function activeOf(of: string): Promise<string> {
  const { stdout } = await attempt("pulumi", ["config", "get", "--stack", of, "active"], {
    cwd: paths.checkout,
    env: await commandEnv(),
  });
  return stdout.trim();
}

const commands: Readonly<Record<string, () => Promise<number>>> = {
  "stack-of": () => {
    const found = stackOf(option("ref"));
    if (found === undefined) throw new Error(`${option("ref")} deploys to no stack`);
    writeOutputs({ stack: found }, values.output);
    return Promise.resolve(0);
  },
  carry: async () => {
    const { onto } = values;
    const env = await commandEnv();
    const carried =
      onto === undefined
        ? await carryInto(paths.checkout, stack(), env)
        : await carryOnto(paths.checkout, stack(), env, { folder: onto, ref: option("ref") });
    const said = `the last update's releases${onto === undefined ? "" : " and settings"}`;
    say(carried ? said : "no update yet: the file's own");
    return 0;
  },
  preview: async () => {
    const plan = planOf(stack(), await previewStack(stack(), false), await activeOf(stack()));
    await writeFile(option("file"), `${JSON.stringify(plan, null, 2)}\n`);
    for (const line of [...plan.errors, ...plan.policy]) say(line);
    return isSound(plan) ? 0 : 1;
  },
  comment: async () => {
    const files = globSync(join(option("plans"), "plan-*.json"));
    const plans = await Promise.all(
      files.map(async (file) => stackPlan.parse(JSON.parse(await readFile(file, "utf8")))),
    );
    const pr = {
      api: process.env["GITHUB_API_URL"] ?? "https://api.github.com",
      repository: option("repository"),
      number: z.coerce.number().int().positive().parse(option("pull-request")),
      token: process.env["GITHUB_TOKEN"] ?? "",
    };
    say(`comment ${await putComment(pr, MARKER, renderComment(plans, option("commit")))}`);
    return 0;
  },
  images: async () => {
    const to = { repository: option("repository"), commit: option("commit"), cacheTag: values.cache };
    writeOutputs(await deliverImages(deliveriesOf(await stackText("prod"), to), say), values.output);
    return 0;
  },
  way: async () => {
    const way = wayOf(await stackText(stack()));
    if (way.kind === "direct") return 0;
    const connect = join(paths.checkout, "components/host/ec2/connect.sh");
    // connect.sh asks for the stack's config by the project's Pulumi, which need not be on PATH.
    const env = await commandEnv();
    await holdOpen(["sh", connect, stack()], {
      port: way.port,
      log: option("log"),
      limitMs: WAY_LIMIT_MS,
      env,
    });
    return 0;
  },
  standing: async () => {
    const standing = await standingOf(paths.checkout, stack(), option("commit"), await commandEnv());
    const outdated = standing.kind === "outdated";
    if (outdated) {
      const text = `${option("commit")} is skipped: ${standing.newer}, which came after it, is deployed to ${stack()}; the way back is the workflow rollback`;
      process.stderr.write(renderNotice(text, values.output));
    }
    const contract = outdated ? "" : standing.contract.join(" ");
    writeOutputs({ outdated: String(outdated), contract }, values.output);
    return 0;
  },
  deployed: async () => {
    const deployed = await askDeployed(paths.checkout, stack(), await commandEnv());
    writeOutputs({ commit: deployed?.commit ?? "" }, values.output);
    return 0;
  },
  drift: async () => {
    const drift = driftOf(planOf(stack(), await previewStack(stack(), true), await activeOf(stack())));
    process.stdout.write(renderDrift(stack(), drift));
    return driftCode(drift);
  },
};

const command = commands[name];
if (command === undefined) {
  process.stderr.write(USAGE);
  process.exitCode = 2;
} else {
  try {
    process.exitCode = await command();
  } catch (error) {
    process.stderr.write(`${name}: ${messageOf(error)}\n`);
    process.exitCode = 1;
  }
}
