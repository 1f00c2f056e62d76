import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { cachedFolder } from "./cache.ts";
import { attempt, run, which } from "./commands.ts";
import { answers, download } from "./network.ts";
import { paths } from "./paths.ts";
import { buildTools, sourceKey, waits } from "./pulumi.ts";
import { pythonProgram, pythonStep } from "./python.ts";
import type { Step, StepIo } from "./steps.ts";
import { atLeast } from "./versions.ts";

const PART = "check-tools";
/** The versions of toolchain/check-tools/go.mod. */
const TOOLS = [
  { program: "actionlint", version: "1.7.12", repository: "rhysd/actionlint", intel: "amd64" },
  { program: "gitleaks", version: "8.30.1", repository: "gitleaks/gitleaks", intel: "x64" },
] as const;
export type CheckTool = (typeof TOOLS)[number]["program"];
type Tool = (typeof TOOLS)[number];

const DOWNLOAD_MS = 120_000;
const downloadKey = TOOLS.map(({ version }) => version).join("-");

function releaseOf({ program, version, repository, intel }: Tool): string {
  const architecture = process.arch === "arm64" ? "arm64" : intel;
  const file = `${program}_${version}_${process.platform}_${architecture}.tar.gz`;
  return `https://github.com/${repository}/releases/download/v${version}/${file}`;
}

async function fetchReleases({ log, say }: StepIo): Promise<boolean> {
  const urls = TOOLS.map(releaseOf);
  if ((await Promise.all(urls.map((url) => answers(url, [200])))).includes(false)) return false;
  say("downloading");
  await cachedFolder(paths.cache, PART, downloadKey, waits(say), async (unfinished) => {
    for (const tool of TOOLS) {
      const archive = `${unfinished}.tar.gz`;
      await download(releaseOf(tool), archive, DOWNLOAD_MS);
      await run("tar", ["-xzf", archive, "-C", unfinished, tool.program], { log });
      await rm(archive);
    }
  });
  return true;
}

async function cachedFolders(): Promise<string[]> {
  return [downloadKey, await sourceKey(PART)].map((key) => join(paths.cache, `${PART}-${key}`));
}

/** Where a tool is: on PATH in a sufficient version, else in the cache; undefined when neither. */
export async function findCheckTool(program: CheckTool): Promise<string | undefined> {
  const version = TOOLS.find((tool) => tool.program === program)?.version ?? "";
  const onPath = await which(program);
  // actionlint knows the flag, gitleaks the command too; both print the version first.
  if (onPath !== undefined && atLeast((await attempt(onPath, ["--version"])).stdout, version)) return onPath;
  const cached = (await cachedFolders()).map((folder) => join(folder, program));
  return cached.find((path) => existsSync(path));
}

/** zizmor's program; undefined before its step has put it there. */
export const findZizmor = () => pythonProgram("zizmor", "zizmor");

const goTools: Step = {
  name: "check tools",
  needs: [],
  async run(io) {
    const found = await Promise.all(TOOLS.map(({ program }) => findCheckTool(program)));
    if (!found.includes(undefined)) return { how: "cached", note: found.join(", ") };
    if (await fetchReleases(io)) return { how: "downloaded", note: downloadKey };
    const programs = TOOLS.map(({ program }) => program);
    await buildTools(PART, [PART], programs, "about a minute", io);
    return { how: "built", note: "from source" };
  },
};

/** actionlint, gitleaks and zizmor: what checks workflow files, and looks for secrets. */
export const checkToolSteps: readonly Step[] = [goTools, pythonStep("zizmor", "the audit of the workflows")];
