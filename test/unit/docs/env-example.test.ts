import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";

/** What the engines and SDKs read by themselves, which no source here names. */
const READ_BY_OTHERS = [
  "AWS_PROFILE",
  "AWS_REGION",
  "AWS_ACCESS_KEY_ID",
  "AWS_SECRET_ACCESS_KEY",
  "AWS_SESSION_TOKEN",
  "CLOUDFLARE_API_TOKEN",
  "PULUMI_ACCESS_TOKEN",
];

/** What the engine hands its program, and bash its scripts. */
const NOBODY_SETS = [
  "PULUMI_CONFIG",
  "EPOCHREALTIME",
  "EPOCHSECONDS",
  "PWD",
  "SECONDS",
  "BASH_SOURCE",
  "RANDOM",
  "IFS",
  "UID",
];

const named = new Set(
  [...readFileSync(".env.example", "utf8").matchAll(/^#?([A-Z][A-Z0-9_]+)=/gm)].map(([, name = ""]) => name),
);

/** Variables that the program and its tools read from the environment, with the file that does. */
function readInSources(): Map<string, string> {
  const found = new Map<string, string>();
  const typescript = globSync(["index.ts", "{components,delivery,toolchain,policy,release}/**/*.ts"]);
  for (const file of [...typescript, ...globSync(["test/**/*.ts", "bench/**/*.ts"])]) {
    const text = readFileSync(file, "utf8");
    // `process.env` everywhere, and what the toolchain hands on as `env`.
    const pattern = typescript.includes(file)
      ? /\benv\["([A-Z][A-Z0-9_]+)"\]/g
      : /(?<!delete )process\.env\["([A-Z0-9_]+)"\](?! = )/g;
    for (const [, name = ""] of text.matchAll(pattern)) found.set(name, file);
    for (const [, name = ""] of text.matchAll(/process\.env\.([A-Z0-9_]+)/g)) found.set(name, file);
  }
  // Scripts that people and builders call; those that run inside images and hosts get no environment of theirs.
  for (const file of globSync(["toolchain/{setup,state,engine}/**/*.sh", ".ci/run"])) {
    const text = readFileSync(file, "utf8");
    const own = new Set([...text.matchAll(/^\s*([A-Z][A-Z0-9_]+)=/gm)].map(([, name = ""]) => name));
    for (const [, name = "", fallback] of text.matchAll(/\$\{?([A-Z][A-Z0-9_]+)(:-)?/g))
      if (fallback !== undefined || !own.has(name)) found.set(name, file);
  }
  return found;
}

describe(".env.example", () => {
  const read = readInSources();

  it("is held against sources in which something is found", () => {
    for (const name of ["PULUMI_BACKEND_URL", "XDG_STATE_HOME", "XDG_CACHE_HOME", "RELEASE"])
      assert.ok(read.has(name), name);
  });

  it("names every variable that a tool reads", () => {
    const missing = [...read].filter(([name]) => !named.has(name) && !NOBODY_SETS.includes(name));
    assert.deepEqual(missing, []);
  });

  it("names no variable that nobody reads", () => {
    const unread = [...named].filter((name) => !read.has(name) && !READ_BY_OTHERS.includes(name));
    assert.deepEqual(unread, []);
  });

  it("holds no value of a secret", () => {
    for (const [, name = "", value = ""] of readFileSync(".env.example", "utf8").matchAll(
      /^#?([A-Z_]+)=(.*)$/gm,
    ))
      if (/TOKEN|SECRET|PASSPHRASE$|KEY_ID/.test(name)) assert.equal(value, "", name);
  });
});
