import { mkdir, readFile, writeFile } from "node:fs/promises";
import os from "node:os";
import { fileURLToPath } from "node:url";

import { docker, run, runOk } from "../test/support/process.ts";
import { measureEmptyAccount } from "./empty-account.ts";
import type { FlipFigures } from "./flips.ts";
import { measureFlips, together } from "./flips.ts";
import type { Peer } from "./peers/containers.ts";
import { benchImage, startHaproxy } from "./peers/haproxy.ts";
import { startOurs } from "./peers/ours.ts";
import { startRecreate } from "./peers/recreate.ts";
import { startDefaultReload } from "./peers/reload.ts";
import { measureProgramStart } from "./program-start.ts";
import type { Figures } from "./report.ts";
import { judgeFigures, renderReport } from "./report.ts";
import { measureReleases } from "./releases.ts";
import { measureServices } from "./services.ts";
import { measureStackOverSsh } from "./stack-over-ssh.ts";
import { measureStack } from "./stack.ts";
import { measureGateway } from "./throughput.ts";

/** One run, one page: `node bench/run.ts`. Takes most of an hour; ends with 1 when a target was missed. */

const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));
const began = performance.now();

function say(text: string): void {
  console.log(`${((performance.now() - began) / 1000).toFixed(0).padStart(5)} s  ${text}`);
}

async function buildTools(): Promise<void> {
  // A machine that cannot reach the public registry has the base of its stand-ins instead.
  const base =
    (await run("docker", ["image", "inspect", "bluegreen-debian:sid"])).code === 0
      ? "bluegreen-debian:sid"
      : "debian:sid";
  const args = ["build", "--quiet", "--build-arg", `BASE=${base}`, "--tag", benchImage, here("image")];
  await runOk("docker", args, { env: { ...process.env, DOCKER_BUILDKIT: "0" }, timeoutMs: 900_000 });
}

async function describeMachine(): Promise<string> {
  const release =
    /PRETTY_NAME="(.*)"/.exec(await readFile("/etc/os-release", "utf8").catch(() => ""))?.[1] ?? os.type();
  const cpu = os.cpus()[0]?.model.trim() ?? "unknown processor";
  const engine = await docker("version", "--format", "{{.Server.Version}}");
  const standIn = await docker(
    "image",
    "inspect",
    "--format",
    '{{index .Config.Labels "bluegreen.stand-in"}}',
    "nginx:1.30",
  );
  const load = os.loadavg()[0]?.toFixed(1) ?? "?";
  return (
    `Machine: ${os.cpus().length} × ${cpu}, ${Math.round(os.totalmem() / 1024 ** 3)} GiB, ${release}, Linux ${os.release()}, ` +
    `Docker ${engine}, Node ${process.versions.node}${standIn === "" ? "" : ", images built from Debian's packages"}; ` +
    `load average at the start ${load}; ${new Date().toISOString().slice(0, 10)}.`
  );
}

async function measurePeer<T extends Peer>(
  start: () => Promise<T>,
  wanted: Parameters<typeof measureFlips>[1],
): Promise<FlipFigures> {
  const peer = await start();
  try {
    return await measureFlips(peer, wanted);
  } finally {
    await peer.remove();
  }
}

async function measureOurs(): Promise<Pick<Figures, "gatewayMb"> & { readonly figures: FlipFigures }> {
  const ours = await startOurs();
  try {
    say("flips: this project, warming up");
    const warm = await measureFlips(ours, { flips: 2, requests: 20_000, restMs: 500 });
    if (warm.failed > 0) throw new Error(`requests failed while warming up: ${JSON.stringify(warm.errors)}`);
    const seen = [(await ours.memoryBytes()) / 1024 ** 2];
    const quarters: FlipFigures[] = [];
    for (let quarter = 1; quarter <= 4; quarter++) {
      say(`flips: this project, quarter ${quarter} of 300 flips and 1,000,000 requests`);
      quarters.push(await measureFlips(ours, { flips: 75, requests: 250_000, restMs: 500 }));
      seen.push((await ours.memoryBytes()) / 1024 ** 2);
    }
    const figures = together(quarters);
    return { figures, gatewayMb: { seen, requests: figures.requests } };
  } finally {
    await ours.remove();
  }
}

/** Says what it found, too: what is measured is not lost when a later part fails. */
async function part<T>(what: string, measure: () => Promise<T>): Promise<T> {
  say(what);
  const found = await measure();
  say(`${what}: ${JSON.stringify(found)}`);
  return found;
}

await buildTools();
const machine = await describeMachine();
const program = await part("program start", measureProgramStart);
const stack = await part("the stack by pulumi", measureStack);
const releases = await part("releases by the command line", measureReleases);
const services = await part("preview, by services", measureServices);
const overSsh = await part("the stack by pulumi over SSH", measureStackOverSsh);
const emptyAccount = await part("from an empty account", measureEmptyAccount);
const empty = await part("throughput, empty handler", () => measureGateway(0));
const tenMs = await part("throughput, 10 ms handler", () => measureGateway(10));
const recreate = await part("flips: containers recreated", () =>
  measurePeer(startRecreate, { flips: 20, restMs: 1500 }),
);
const reload = await part("flips: a reload", () =>
  measurePeer(startDefaultReload, { flips: 20, restMs: 1500 }),
);
const haproxy = await part("flips: HAProxy", () => measurePeer(startHaproxy, { flips: 40, restMs: 500 }));
const { figures: ours, gatewayMb } = await part("flips: this project", measureOurs);

const figures: Figures = {
  machine,
  program,
  stack,
  releases,
  services,
  emptyAccount,
  overSsh,
  empty,
  tenMs,
  gatewayMb,
  flips: [recreate, reload, haproxy, ours],
};
await mkdir(here("../docs"), { recursive: true });
await writeFile(here("../docs/benchmarks.md"), renderReport(figures));
for (const line of judgeFigures(figures))
  console.log(`${line.held ? "held  " : "MISSED"}  ${line.what}: ${line.got} (${line.target})`);
say("written: docs/benchmarks.md");
process.exitCode = judgeFigures(figures).every((line) => line.held) ? 0 : 1;
