import type { EmptyAccountFigures } from "./empty-account.ts";
import type { FlipFigures, Spread } from "./flips.ts";
import type { ProgramStart } from "./program-start.ts";
import type { ReleaseFigures } from "./releases.ts";
import type { ServicesFigures } from "./services.ts";
import type { SshFigures } from "./stack-over-ssh.ts";
import type { StackFigures } from "./stack.ts";
import type { GatewayThroughput } from "./throughput.ts";

export interface Figures {
  readonly machine: string;
  readonly flips: readonly FlipFigures[];
  /** Memory of the gateway before, after each quarter of, and after all the requests. */
  readonly gatewayMb: { readonly seen: readonly number[]; readonly requests: number };
  readonly empty: GatewayThroughput;
  readonly tenMs: GatewayThroughput;
  readonly stack: StackFigures;
  readonly services: readonly ServicesFigures[];
  readonly emptyAccount: EmptyAccountFigures;
  readonly overSsh: SshFigures;
  readonly releases: ReleaseFigures;
  readonly program: ProgramStart;
}

interface Line {
  readonly what: string;
  readonly got: string;
  readonly target: string;
  readonly held: boolean;
}

const round = (value: number, digits = 0): string => value.toFixed(digits);
const medians = ({ median, largest }: Spread, digits = 0): string =>
  `${round(median, digits)} (${round(largest, digits)})`;

/** What must hold, and whether it did on this machine. */
export function judgeFigures(figures: Figures): readonly Line[] {
  const ours = figures.flips.at(-1);
  if (ours === undefined) throw new Error("no flips were measured");
  const { stack, overSsh, releases, program, empty, tenMs, gatewayMb } = figures;
  const totalMb = Object.values(stack.memoryMb).reduce((sum, mb) => sum + mb, 0);
  const ratio = (gateway: GatewayThroughput): number =>
    gateway.ours.requestsPerSecond / gateway.plain.requestsPerSecond;
  const atMost = (what: string, got: number, most: number, unit: string, digits = 0): Line => ({
    what,
    got: `${round(got, digits)} ${unit}`.trim(),
    target: `≤ ${most} ${unit}`.trim(),
    held: got <= most,
  });
  const atLeast = (what: string, got: number, least: number): Line => ({
    what,
    got: round(got, 2),
    target: `≥ ${round(least, 2)}`,
    held: got >= least,
  });
  return [
    atMost(`failed requests, ${ours.flips} flips, ${ours.requests} requests`, ours.failed, 0, ""),
    atMost(
      `failed requests of the sample under releases and flips by \`pulumi up\`, ${stack.requests} requests`,
      stack.failed,
      0,
      "",
    ),
    atMost(
      "flip command as the switch runs it, start file included, median",
      stack.switchFlipMs.median,
      20,
      "ms",
      1,
    ),
    atMost("first new answer, median", ours.firstNewMs.median, 30, "ms", 1),
    atMost("last old answer, median", ours.lastOldMs.median, 30, "ms", 1),
    atMost("rollback by `pulumi up`, median", stack.flipSeconds.median, 4, "s", 1),
    atMost("resources changed by it", stack.changedByFlip, 1, ""),
    atMost("no-op `pulumi preview`, median", stack.previewSeconds.median, 4, "s", 1),
    atMost(
      `failed requests of the sample under flips over SSH, ${overSsh.requests} requests`,
      overSsh.failed,
      0,
      "",
    ),
    atMost("rollback by `pulumi up` over SSH, median", overSsh.flipSeconds.median, 6, "s", 1),
    atMost("no-op `pulumi preview` over SSH, median", overSsh.previewSeconds.median, 6, "s", 1),
    atMost("SSH connections that it opens, none open before", overSsh.connections.preview, 1, ""),
    atMost("SSH connections that a rollback opens right after it", overSsh.connections.flip, 0, ""),
    atMost(
      `failed requests of the sample under \`bluegreen deploy\` and \`rollback\`, ${releases.requests} requests`,
      releases.failed,
      0,
      "",
    ),
    atMost("a watch's verdict to all visitors back, largest", releases.backMs.largest, 2000, "ms"),
    atMost("`bluegreen history` with 1,000 releases : with a few", ledgerRatio(releases), 1.5, "", 2),
    atMost("program start, median", program.seconds.median, 0.8, "s", 2),
    atMost("program memory, median", program.megabytes.median, 200, "MB"),
    atMost("memory of the whole stack, both colours", totalMb, 700, "MiB"),
    atMost(
      `growth of the gateway's memory in the last three quarters of ${gatewayMb.requests} requests`,
      (gatewayMb.seen.at(-1) ?? NaN) - (gatewayMb.seen[1] ?? NaN),
      2,
      "MiB",
      1,
    ),
    atLeast("throughput of the gateway : plain Nginx, empty handler", ratio(empty), 0.9),
    atLeast("throughput of the gateway : plain Nginx, 10 ms handler", ratio(tenMs), 0.98),
  ];
}

function ledgerRatio({ status }: ReleaseFigures): number {
  return (status.at(-1)?.historySeconds.median ?? NaN) / (status[0]?.historySeconds.median ?? NaN);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

/** `docs/benchmarks.md`. */
export function renderReport(figures: Figures): string {
  const { stack, overSsh, releases, program, flips } = figures;
  const ours = flips.at(-1);
  const perFlip = (f: FlipFigures): number => f.failed / f.flips;
  const peers = flips.map((f) => [
    f === ours ? `**${f.name}**` : f.name,
    String(f.flips),
    String(f.requests),
    String(f.failed),
    round(perFlip(f), 1),
    medians(f.commandMs, 1),
    medians(f.firstNewMs, 1),
    medians(f.lastOldMs, 1),
    ours === undefined || f === ours ? "1" : round(f.firstNewMs.median / ours.firstNewMs.median, 1),
  ]);
  const throughput = (name: string, of: GatewayThroughput): string[] => [
    name,
    ...[of.direct, of.plain, of.scriptless, of.ours].map(
      (t) => `${round(t.requestsPerSecond)}, p99 ${round(t.p99Ms, 1)} ms`,
    ),
    round(of.ours.requestsPerSecond / of.plain.requestsPerSecond, 2),
    round(of.ours.requestsPerSecond / of.scriptless.requestsPerSecond, 2),
  ];
  const throughputHead = [
    "requests/s",
    "application directly",
    "plain Nginx",
    "without scripts",
    "the gateway",
    "gateway : plain",
    "gateway : without scripts",
  ];
  const sample = [stack.sampleDirect, stack.sampleThroughGateway];
  return `# Benchmarks

Written by \`make bench\`. ${figures.machine}
Medians, the largest value in brackets. All ways met the same load in the same run: 50 keep-alive GET, 50 keep-alive
POST and 20 new-connection clients that never retry, sent over loopback.

## Targets

${table(
  ["what", "measured", "target", ""],
  judgeFigures(figures).map((line) => [line.what, line.got, line.target, line.held ? "held" : "**missed**"]),
)}

## A flip, against what people do today

${table(["way", "flips", "requests", "failed", "failed per flip", "command ms", "first new ms", "last old ms", "first new : ours"], peers)}

HAProxy and this project are told over their sockets, the others by \`docker\`; the application behind each way is the same Nginx that answers at once, so that the way itself is measured. The first
two start the new container within their command; the others have both colours up, as this project has.

## Throughput

${table(throughputHead, [throughput("empty handler", figures.empty), throughput("10 ms handler", figures.tenMs)])}

wrk, one thread, 64 connections, on the host's network; each the median of three alternating rounds. Plain Nginx logs as
the official image does; the gateway logs JSON, sets its headers, counts per colour and picks the colour for each request.
"Without scripts" is the gateway's own configuration with constants in their place: the rest is what choosing and counting cost.
The sample itself (\`/version\`, 32 connections): ${sample.map((t) => `${round(t.requestsPerSecond)} requests/s, p99 ${round(t.p99Ms, 1)} ms`).join(" directly, ")} through the gateway.

## The stack by \`pulumi\`

${table(
  ["what", "median (largest)"],
  [
    ["no-op `pulumi preview`", `${medians(stack.previewSeconds, 1)} s`],
    ["no-op `pulumi up`", `${medians(stack.noOpSeconds, 1)} s`],
    ["flip or rollback by `pulumi up`, under load", `${medians(stack.flipSeconds, 1)} s`],
    ["… of that the switch's whole transaction, bake time 0", `${medians(stack.switchTotalMs)} ms`],
    [
      "… of that the flip: start file and dictionary, written and read back",
      `${medians(stack.switchFlipMs)} ms`,
    ],
    ["release and flip in one `pulumi up`, under load", `${medians(stack.releaseAndFlipSeconds, 1)} s`],
    ["no-op `pulumi preview` over SSH, its connection included", `${medians(overSsh.previewSeconds, 1)} s`],
    ["flip or rollback by `pulumi up` over SSH, under load", `${medians(overSsh.flipSeconds, 1)} s`],
    ["program start, to the last resource registered", `${medians(program.seconds, 2)} s`],
    ["program memory", `${medians(program.megabytes)} MB`],
    [
      "the program's process in a no-op preview, with Pulumi's runner: processor time",
      `${medians(stack.program.cpuSeconds, 2)} s`,
    ],
    ["… its memory", `${medians(stack.program.megabytes)} MB`],
  ],
)}

${table(
  ["the command line", "median (largest)"],
  [
    ["`bluegreen deploy`: plan, update and flip, under load", `${medians(releases.deploySeconds, 1)} s`],
    ["`bluegreen rollback`, under load", `${medians(releases.rollbackSeconds, 1)} s`],
    ["the watch's verdict to all visitors back", `${medians(releases.backMs)} ms`],
    ...releases.status.flatMap((of) => [
      [`\`bluegreen status\`, ${of.releases} releases in the ledger`, `${medians(of.statusSeconds, 2)} s`],
      [`\`bluegreen history\`, ${of.releases} releases`, `${medians(of.historySeconds, 2)} s`],
    ]),
  ],
)}

${table(
  ["services added", "resources", "no-op `pulumi preview`"],
  figures.services.map((of) => [
    String(of.services),
    String(of.resources),
    `${medians(of.previewSeconds, 1)} s`,
  ]),
)}

Each service added is an image, a command on the host and a container, as a slot's are; they are declared, not started.

From empty accounts to the first answer, \`Pulumi.staging.yaml\` (${figures.emptyAccount.created} resources) by the real providers against local clouds, the first boot of a test
machine among it: ${round(figures.emptyAccount.seconds)} s. What AWS and Cloudflare themselves take comes on top.

Memory at rest, MiB: ${Object.entries(stack.memoryMb)
    .map(([what, mb]) => `${what} ${round(mb)}`)
    .join(
      ", ",
    )}. The gateway under load: ${figures.gatewayMb.seen.map((mb) => round(mb, 1)).join(", ")} MiB before, after each quarter of, and after all ${figures.gatewayMb.requests} requests.
`;
}
