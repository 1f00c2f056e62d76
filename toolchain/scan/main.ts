import { globSync } from "node:fs";
import { join } from "node:path";
import { attempt, which } from "../setup/commands.ts";
import { IMAGES } from "../setup/versions.ts";
import { checkWorkflows } from "../workflows/check.ts";
import {
  type Scan,
  exitCode,
  readAptUpgrade,
  readCheck,
  readNpmAudit,
  readPipAudit,
  renderScans,
} from "./findings.ts";
import { lookForSecrets } from "./secrets.ts";

const checkout = join(import.meta.dirname, "../..");
const LIMIT_MS = 180_000;

async function npm(folder: string, what: string): Promise<Scan> {
  // What only builds and tests is not deployed, but runs on the deployer's machine, next to its credentials: all of it counts.
  const args = ["audit", "--package-lock-only", "--json"];
  const { stdout } = await attempt("npm", args, { cwd: join(checkout, folder), timeoutMs: LIMIT_MS });
  return readNpmAudit(stdout, what);
}

async function python(): Promise<Scan> {
  const tool = await which("pip-audit");
  if (tool === undefined)
    return {
      kind: "not asked",
      what: "Python packages of the sample",
      why: "pip-audit is missing: pip install pip-audit",
    };
  const args = ["-r", "sample/api/requirements.txt", "--no-deps", "--disable-pip", "--format", "json"];
  const { stdout } = await attempt(tool, args, { cwd: checkout, timeoutMs: LIMIT_MS });
  return readPipAudit(stdout);
}

async function image(name: string): Promise<Scan> {
  const script = "apt-get update -qq >/dev/null 2>&1 && apt-get --simulate --quiet upgrade";
  const args = ["run", "--rm", "--user", "0", "--network", "host", "--entrypoint", "sh", name, "-c", script];
  const ran = await attempt("docker", args, { timeoutMs: LIMIT_MS });
  return readAptUpgrade(name, ran.ok ? ran.stdout : undefined);
}

async function configuration(): Promise<readonly Scan[]> {
  const { ok, output } = await attempt("npm", ["run", "--silent", "compare", "--", "--quiet"], {
    cwd: checkout,
  });
  const files = globSync(".github/{workflows,actions}/**/*.yml", { cwd: checkout });
  const verdicts = await checkWorkflows(files, checkout);
  return [
    readCheck("stacks' files", ok, output),
    ...verdicts.map(({ checker, output: said }) => readCheck(`workflows, by ${checker}`, said === "", said)),
  ];
}

const images = [IMAGES.nginx, IMAGES.postgres, IMAGES.redis, ...process.argv.slice(2)];
const scans = [
  await npm(".", "npm packages"),
  await npm("sample/web", "npm packages of the sample's page"),
  await python(),
];
for (const name of images) scans.push(await image(name));
scans.push(await lookForSecrets("history", checkout), ...(await configuration()));
process.stdout.write(renderScans(scans));
process.exitCode = exitCode(scans);
