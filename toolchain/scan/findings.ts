import { z } from "zod";
import { parsedJson } from "../../components/parsed-json.ts";

/** What one scanner had to say. */
export type Scan =
  | { readonly kind: "clean"; readonly what: string }
  | { readonly kind: "found"; readonly what: string; readonly findings: readonly string[] }
  /** Nothing was learned: that is not the same as nothing found. */
  | { readonly kind: "not asked"; readonly what: string; readonly why: string };

const concluded = (what: string, findings: readonly string[]): Scan =>
  findings.length === 0 ? { kind: "clean", what } : { kind: "found", what, findings };

const npmReport = z.object({
  vulnerabilities: z.record(z.string(), z.object({ severity: z.string(), range: z.string() })),
});

function parsed<T>(schema: z.ZodType<T>, text: string): T | undefined {
  return schema.safeParse(parsedJson(text)).data;
}

/** From `npm audit --json`; its exit code says nothing that its report does not. */
export function readNpmAudit(output: string, what = "npm packages"): Scan {
  const report = parsed(npmReport, output);
  if (report === undefined)
    return {
      kind: "not asked",
      what,
      why: /\b[45]\d\d [A-Z]\w+( \w+)*/.exec(output)?.[0] ?? "no report came back",
    };
  return concluded(
    what,
    Object.entries(report.vulnerabilities).map(
      ([name, { severity, range }]) => `${name} ${range}: ${severity}`,
    ),
  );
}

const pipReport = z.object({
  dependencies: z.array(
    z.object({
      name: z.string(),
      version: z.string().optional(),
      skip_reason: z.string().optional(),
      vulns: z.array(z.object({ id: z.string() })).optional(),
    }),
  ),
});

/** From `pip-audit --format json`. A package that could not be asked for leaves the whole scan unanswered. */
export function readPipAudit(output: string): Scan {
  const what = "Python packages of the sample";
  const report = parsed(pipReport, output);
  if (report === undefined) return { kind: "not asked", what, why: "no report came back" };
  const found = report.dependencies.flatMap(({ name, version = "?", vulns = [] }) =>
    vulns.map(({ id }) => `${name} ${version}: ${id}`),
  );
  const skipped = report.dependencies.filter(({ skip_reason }) => skip_reason !== undefined);
  if (found.length === 0 && skipped.length > 0)
    return { kind: "not asked", what, why: `${skipped.length} packages: ${skipped[0]?.skip_reason ?? ""}` };
  return concluded(what, found);
}

/** From `apt-get --simulate upgrade` inside an image, after an update that went well. */
export function readAptUpgrade(image: string, output: string | undefined): Scan {
  const what = `Debian packages of ${image}`;
  if (output === undefined)
    return { kind: "not asked", what, why: "its archive does not answer, or it has no apt" };
  const pattern = /^Inst (\S+) \[([^\]]+)\] \((\S+)/gm;
  const behind = [...output.matchAll(pattern)].map(
    ([, name = "", old = "", next = ""]) => `${name} ${old}: ${next} is there`,
  );
  return concluded(what, behind);
}

const leaks = z.array(
  z.object({
    RuleID: z.string(),
    File: z.string(),
    StartLine: z.number(),
    Commit: z.string().default(""),
  }),
);

/** From gitleaks' JSON report, in which the secrets are blacked out; its exit code says nothing that the report does not. */
export function readGitleaks(what: string, output: string): Scan {
  const found = parsed(leaks, output);
  if (found === undefined) return { kind: "not asked", what, why: "no report came back" };
  return concluded(
    what,
    found.map(({ RuleID, File, StartLine, Commit }) => {
      const commit = Commit === "" ? "" : ` of ${Commit.slice(0, 12)}`;
      return `${File}:${StartLine}${commit}: ${RuleID}`;
    }),
  );
}

/** From a command that is silent, or at least succeeds, where nothing is wrong; its lines are the findings. */
export function readCheck(what: string, ok: boolean, output: string): Scan {
  return concluded(what, ok ? [] : output.trim().split("\n"));
}

export function renderScans(scans: readonly Scan[]): string {
  const lines = scans.flatMap((scan) => {
    switch (scan.kind) {
      case "clean":
        return [`${scan.what}: nothing known`];
      case "found":
        return [`${scan.what}: ${scan.findings.length} found`, ...scan.findings.map((one) => `  ${one}`)];
      case "not asked":
        return [`${scan.what}: not asked (${scan.why})`];
    }
  });
  return `${lines.join("\n")}\n`;
}

/** 1 where something was found, 2 where something could not be asked, else 0. */
export function exitCode(scans: readonly Scan[]): number {
  if (scans.some(({ kind }) => kind === "found")) return 1;
  return scans.some(({ kind }) => kind === "not asked") ? 2 : 0;
}
