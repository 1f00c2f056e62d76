import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { messageOf } from "../../components/message-of.ts";
import { cachedFolder, contentKey } from "./cache.ts";
import { attempt, run, which } from "./commands.ts";
import { needGo } from "./golang.ts";
import { answers, download } from "./network.ts";
import { paths } from "./paths.ts";
import type { How, Outcome, Step, StepIo } from "./steps.ts";
import { PULUMI, atLeast } from "./versions.ts";

const ARCH = process.arch === "arm64" ? "arm64" : "x64";
const PLATFORM = process.platform === "darwin" ? "darwin" : "linux";
const DOWNLOAD = `https://get.pulumi.com/releases/sdk/pulumi-v${PULUMI}-${PLATFORM}-${ARCH}.tar.gz`;
const DOWNLOAD_KEY = `v${PULUMI}-${PLATFORM}-${ARCH}`;
const DOWNLOAD_MS = 600_000;

/** What has to lie in one folder: a CLI that takes its language host from elsewhere on PATH warns at every command. */
const PROGRAMS = ["pulumi", "pulumi-language-nodejs"] as const;
/** The folders under toolchain/ that build them. */
const SOURCES = ["pulumi-cli", "language-nodejs"] as const;

export interface Located {
  readonly how: How;
  readonly folder: string;
}

/** The key under which something built from folders of toolchain/ is cached. */
export async function sourceKey(...sources: readonly string[]): Promise<string> {
  const folders = sources.map((source) => join(paths.checkout, "toolchain", source));
  return contentKey(folders, [process.platform, process.arch]);
}

/** Where CLI and host are: on PATH in a sufficient version, downloaded, or built; undefined when neither. */
export async function locatePulumi(): Promise<Located | undefined> {
  const onPath = await which("pulumi");
  // What `make env` put on PATH is ours, and needs no question.
  if (onPath !== undefined && !onPath.startsWith(`${paths.cache}/`)) {
    const hasHost =
      (await which("pulumi-language-nodejs", `${dirname(onPath)}:${process.env["PATH"] ?? ""}`)) !==
      undefined;
    const { stdout } = await attempt(onPath, ["version"], { timeoutMs: 20_000 });
    if (hasHost && atLeast(stdout, PULUMI)) return { how: "found", folder: dirname(onPath) };
  }
  const cached = [
    join(paths.cache, `pulumi-${DOWNLOAD_KEY}`),
    join(paths.cache, `pulumi-${await sourceKey(...SOURCES)}`),
  ];
  const folder = cached.find((candidate) =>
    PROGRAMS.every((program) => existsSync(join(candidate, program))),
  );
  return folder === undefined ? undefined : { how: "cached", folder };
}

/** Fetches the vendor's release, which holds both tools; false when it can't be had. */
async function fetchRelease({ log, say }: StepIo): Promise<boolean> {
  if (!(await answers(DOWNLOAD, [200]))) return false;
  say(`downloading ${DOWNLOAD}`);
  try {
    await cachedFolder(paths.cache, "pulumi", DOWNLOAD_KEY, waits(say), async (unfinished) => {
      const archive = `${unfinished}.tar.gz`;
      await download(DOWNLOAD, archive, DOWNLOAD_MS);
      await run("tar", ["-xzf", archive, "-C", unfinished, "--strip-components=1"], { log });
      await rm(archive);
      await run(join(unfinished, "pulumi"), ["version"], { log });
    });
    return true;
  } catch (error) {
    say(`the download failed (${messageOf(error)}), so it is built instead`);
    return false;
  }
}

export const waits = (say: StepIo["say"]) => () => {
  say("another run is making the same thing: waiting for it");
};

/** A build that takes longer than this hangs: the longest takes a quarter of it on 2 cores. */
const BUILD_MS = 2_400_000;

/** Builds folders of toolchain/ into one folder of the cache, `<part>-<key>`. */
export async function buildTools(
  part: string,
  sources: readonly string[],
  programs: readonly string[],
  minutes: string,
  io: StepIo,
): Promise<void> {
  await needGo(part, io);
  await io.heavy(async () => {
    io.say(`building from source, ${minutes} the first time`);
    await cachedFolder(paths.cache, part, await sourceKey(...sources), waits(io.say), async (unfinished) => {
      for (const source of sources)
        await run(join(paths.checkout, "toolchain", source, "build.sh"), [unfinished], {
          log: io.log,
          timeoutMs: BUILD_MS,
        });
      const missing = programs.filter((program) => !existsSync(join(unfinished, program)));
      if (missing.length > 0)
        throw new Error(`${sources.join(", ")}: build.sh made no ${missing.join(", ")}`);
    });
  });
}

export const pulumiStep: Step = {
  name: "pulumi",
  needs: [],
  async run(io): Promise<Outcome> {
    const located = await locatePulumi();
    if (located !== undefined) return { how: located.how, note: `in ${located.folder}` };
    const downloaded = await fetchRelease(io);
    if (downloaded) return { how: "downloaded", note: PULUMI };
    await buildTools("pulumi", SOURCES, PROGRAMS, "about 5 minutes", io);
    return { how: "built", note: `${PULUMI}, from source` };
  },
};
