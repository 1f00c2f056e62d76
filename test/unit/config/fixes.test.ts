import assert from "node:assert/strict";
import { parseConfig } from "../../../components/config/parse.ts";
import { type Problem, renderProblems } from "../../../components/config/problems.ts";
import { checkAcrossKeys } from "../../../components/config/rules.ts";
import type { StackRecord } from "../../../components/slot/record.ts";
import { recordOf } from "../../support/fixtures.ts";

type Config = Record<string, unknown>;
type Step = string | number;

const HOST = { kind: "local" };
const BLUE = { release: "1", images: { api: "app:1" } };
const GREEN = { release: "2", images: { api: "app:2" } };
const GOOD: Config = { active: "blue", blue: BLUE, green: GREEN, host: HOST };

/** The words of a command line, as the shell splits and unquotes them. */
function words(line: string): string[] {
  const found = line.match(/(?:'[^']*'|\\.|[^\s'\\])+/g) ?? [];
  return found.map((word) => word.replaceAll(/'([^']*)'|\\(.)/g, "$1$2"));
}

function stepsOf(path: string): Step[] {
  return [...path.matchAll(/\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]|([^.[\]]+)/g)].map(
    ([, name, index, plain]) => plain ?? (index === undefined ? (name ?? "") : Number(index)),
  );
}

const isRecord = (value: unknown): value is Config =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** `holder` with `steps` set, or removed where `value` is undefined; refuses what the CLI (3.259) refuses. */
function put(holder: unknown, steps: readonly Step[], value: unknown, top: boolean): unknown {
  const [step, ...rest] = steps;
  if (step === undefined) return value;
  if (holder === undefined && value === undefined) return undefined;
  if (typeof step === "number") {
    if (!Array.isArray(holder) && holder !== undefined && !top) throw new Error("expected an array");
    const list: unknown[] = Array.isArray(holder) ? holder.map((entry: unknown) => entry) : [];
    if (step > list.length) throw new Error("array index out of range");
    list[step] = put(list[step], rest, value, false);
    return list;
  }
  if (!isRecord(holder) && holder !== undefined && !top) throw new Error("expected a map");
  const { [step]: old, ...others } = isRecord(holder) ? holder : {};
  const next = put(old, rest, value, false);
  return next === undefined ? others : { ...others, [step]: next };
}

/** What the CLI does with one command; the rules below are those that it was seen to follow. */
function run(config: Config, command: string): Config {
  const [program, verb, action, ...rest] = words(command);
  if (verb === "up") return config;
  // It makes the file say what runs.
  if (program === "npx" && action === "rollback") return GOOD;
  assert.deepEqual([program, verb], ["pulumi", "config"]);
  const type = rest.includes("--type") ? rest[rest.indexOf("--type") + 1] : undefined;
  const nested = rest.includes("--path");
  const [key = "", text = ""] = rest.filter(
    (word, i) => word !== "--" && !["--path", "--type"].includes(word) && rest[i - 1] !== "--type",
  );
  if (text.startsWith("-")) assert.ok(rest.includes("--"), `unknown shorthand flag in ${text}`);
  const [name = "", ...inner] = nested ? stepsOf(key) : [key];
  const plain = !nested || type === "string" ? text : typed(text, type);
  const value = put(config[name], inner, action === "rm" ? undefined : plain, true);
  return Object.fromEntries(Object.entries({ ...config, [name]: value }).filter(([, v]) => v !== undefined));
}

function typed(text: string, type: string | undefined): unknown {
  if (type === "float" || /^(0|[1-9]\d*)$/.test(text)) return Number(text);
  return text === "true" || text === "false" ? text === "true" : text;
}

function problemsIn({ "aws:region": region, ...config }: Config, previous?: StackRecord): Problem[] {
  const values = Object.fromEntries(
    Object.entries(config).map(([key, value]) => [
      key,
      typeof value === "string" ? value : JSON.stringify(value),
    ]),
  );
  const parsed = parseConfig(values);
  return [
    ...parsed.problems,
    ...checkAcrossKeys(parsed, previous, 2048, typeof region === "string" ? region : undefined),
  ];
}

/** The config after every fix was pasted, with the placeholders filled in. */
function mend(config: Config, problems: readonly Problem[]): Config {
  return problems
    .flatMap(({ fix }) => fix.replaceAll("sha256:…", `sha256:${"a".repeat(64)}`).split(" && "))
    .reduce(run, config);
}

function fixOf(config: Config, key: string): string {
  const problem = problemsIn({ ...GOOD, ...config }).find((candidate) => candidate.key === key);
  assert.ok(problem, `no problem at ${key}`);
  return problem.fix;
}

describe("the fixes of a report", () => {
  const smoke = (check: Config) => ({ switch: { smoke: [{ path: "/", ...check }] } });
  const BAD: readonly Config[] = [
    { active: undefined, host: undefined },
    { active: "purple", canary: "half" },
    { blue: "1" },
    { blue: 1, green: [] },
    { blue: { release: "1" }, green: { release: "2", images: "app:2" } },
    { blue: { release: "1", images: '{"api":"app:1"}' } },
    { blue: { ...BLUE, migration: {} }, green: { ...GREEN, migration: "migrate" } },
    { blue: { ...BLUE, migration: { command: "python -m app.migrate" } } },
    { blue: { ...BLUE, migration: { command: ["a", 2, "c"] } } },
    { blue: { ...BLUE, release: true }, green: { ...GREEN, release: 1.1 } },
    { host: "local" },
    { host: { kind: "local", address: "203.0.113.10", port: 22 } },
    { host: { kind: "lokal" } },
    { edge: { kind: "cloudflare", zone: "example.com", hostname: "app.example.com" } },
    { switch: { smoke: [] } },
    { switch: { smoke: "/health", maxErrorRate: "low" } },
    { switch: { smoke: ["/health"] } },
    smoke({ path: "health", timeoutSeconds: 0 }),
    smoke({ json: "ok" }),
    smoke({ json: { "services.database.status": null } }),
    { switch: 5, api: "x", gateway: [], memoryMb: 64, postgres: "postgres:18", redis: 8 },
    { api: { healthcheck: "curl", user: 10001 } },
    { environment: { PORT: 8080, DEBUG: true, OFFSET: -5 } },
    { environment: { "log level": "x", "a.b": "x", "it's": "x" }, "it's": "x", "a.b": "x" },
    { environment: "LOG_LEVEL=info", edge: { kind: "none", zone: "example.com" } },
    { active: "green", green: undefined },
  ];
  for (const bad of BAD) {
    it(`mend ${JSON.stringify(bad, (_, value: unknown) => value ?? null)} as they stand`, () => {
      const config = Object.fromEntries(
        Object.entries({ ...GOOD, ...bad }).filter(([, value]) => value !== undefined),
      );
      const problems = problemsIn(config);
      assert.notEqual(problems.length, 0);
      assert.deepEqual(problemsIn(mend(config, problems)), []);
    });
  }

  it("mend an EC2 host that says nothing, key by key and then across keys", () => {
    let config: Config = { ...GOOD, host: { kind: "ec2", instanceType: "t3.small" } };
    for (const round of [1, 2]) {
      const problems = problemsIn(config);
      assert.notEqual(problems.length, 0, `round ${round}`);
      config = mend(config, problems);
    }
    assert.deepEqual(problemsIn(config), []);
  });

  const RUNS: readonly [string, Config][] = [
    ["a release onto the live slot", { blue: { release: "3", images: { api: "app:3" } } }],
    ["another image under the live slot's id", { blue: { release: "1", images: { api: "app:3" } } }],
    [
      "another image under an id whose next is taken",
      { green: { release: "1", images: { api: "app:3" } }, blue: BLUE },
    ],
    ["a live slot that was emptied", { active: "green", blue: undefined }],
    ["another major version of Postgres", { postgres: { image: "postgres:19" } }],
  ];
  for (const [what, change] of RUNS) {
    it(`mend ${what}`, () => {
      const config = Object.fromEntries(
        Object.entries({ ...GOOD, ...change }).filter(([, value]) => value !== undefined),
      );
      const problems = problemsIn(config, recordOf());
      assert.notEqual(problems.length, 0);
      assert.deepEqual(problemsIn(mend(config, problems), recordOf()), []);
    });
  }

  it("set the plain values below a missing or wrong object one by one", () => {
    assert.equal(
      fixOf({ switch: { smoke: [] } }, "switch.smoke"),
      "pulumi config rm --path 'switch.smoke' && pulumi config set --path 'switch.smoke[0].path' '/health'",
    );
    assert.equal(
      fixOf({ blue: { release: "1" } }, "blue.images"),
      "pulumi config set --path 'blue.images.api' 'registry/app-api@sha256:…'",
    );
  });

  it("say --type where the CLI would guess another one", () => {
    assert.equal(
      fixOf({ environment: { PORT: 8080 } }, "environment.PORT"),
      "pulumi config set --path --type string 'environment.PORT' '8080'",
    );
    assert.equal(
      fixOf({ switch: { maxErrorRate: 2 } }, "switch.maxErrorRate"),
      "pulumi config set --path --type float 'switch.maxErrorRate' '0.01'",
    );
  });

  it("name the stack in every command, the last `up` too", () => {
    const canary = recordOf({ canary: 10 });
    const problems = problemsIn({ ...GOOD, green: { release: "3", images: { api: "app:3" } } }, canary);
    const commands = renderProblems(problems, "dev").split(/ && |fix: /);
    assert.equal(commands.filter((command) => command.includes("--stack dev")).length, 4);
    assert.equal(commands.at(-1), "pulumi up --stack dev");
  });
});
