import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import path from "node:path";

import { release } from "../support/images.ts";
import { docker, until } from "../support/process.ts";
import {
  assertAbsent,
  encrypted,
  engineLogs,
  newSecret,
  processes,
  shownBy,
  withoutDebug,
} from "../support/secrets.ts";
import { Stack } from "../support/stack.ts";
import { withoutLoss } from "../support/visitors.ts";
import { gentle, liveOf, newId, other, sharedConfig, nothingToDo } from "./shared.ts";

describe("the application's own secrets", function () {
  this.timeout(900_000);
  let stack: Stack;
  let began: Date;
  const values: string[] = [];

  async function setSecret(value: string): Promise<void> {
    values.push(value);
    stack.set({ secrets: await encrypted(stack, "secrets", { STRIPE_KEY: value }) });
  }

  const inside = (color: string, file: string) =>
    docker("exec", stack.container(`api-${color}`), "cat", `/run/secrets/${file}`);

  before(async () => {
    began = new Date();
    stack = await Stack.create("vault", await sharedConfig());
    await setSecret(newSecret());
    await stack.upOk();
  });
  after(async () => {
    await stack.remove();
  });

  it("are files that the application alone can read, one for each, beside the passwords", async () => {
    assert.equal(await inside("blue", "stripe_key"), values[0]);
    const stat = ["exec", stack.container("api-blue"), "stat", "-c", "%n %a %u"];
    const files = ["database_password", "redis_password", "stripe_key"].map((name) => `/run/secrets/${name}`);
    assert.equal(await docker(...stat, ...files), files.map((file) => `${file} 400 10001`).join("\n"));
  });

  it("leave nothing to do once they are there", async () => {
    await nothingToDo(stack);
  });

  it("that change reach only the next release: a running slot keeps the file it began with", async () => {
    const [live, idle] = [liveOf(stack), other(liveOf(stack))];
    await setSecret(newSecret());
    await nothingToDo(stack);
    stack.set({ [idle]: await release(newId()) });
    await stack.upOk();
    assert.equal(await inside(idle, "stripe_key"), values[1]);
    assert.equal(await inside(live, "stripe_key"), values[0]);
    await docker("restart", stack.container(`api-${live}`));
    assert.equal(await inside(live, "stripe_key"), values[0]);
  });

  it("are nowhere to be seen while a release with a new one goes on", async () => {
    const idle = other(liveOf(stack));
    await setSecret(newSecret());
    stack.set({ [idle]: await release(newId()) });
    const preview = await stack.preview("--diff", "--show-config", "--show-replacement-steps");
    assertAbsent(values, preview.output, "pulumi preview");
    const seen = new Map<string, string>();
    const up = await stack.startUp();
    await until("up is over", async () => {
      for (const one of await processes()) seen.set(shownBy(one), one.command.slice(0, 200));
      return up.ended;
    });
    const result = await up.done;
    assert.equal(result.code, 0, result.output);
    assertAbsent(values, result.output, "pulumi up");
    assert.ok([...seen.values()].some((command) => command.includes("@pulumi/pulumi/cmd/run")));
    for (const [shown, command] of seen) assertAbsent(values, `${shown}.`, `the process ${command}`);
    assertAbsent(values, JSON.stringify(await stack.outputs()), "the outputs");
    assertAbsent(values, await stack.pulumi("stack", "output", "--show-secrets", "--json"), "the record");
    assert.equal(await inside(idle, "stripe_key"), values[2]);
  });

  it("stand in no state, no event log, no docker inspect, no log and no process of a container", async () => {
    for (const folder of [path.join(stack.folder, "state"), stack.folder]) {
      const recursive = folder !== stack.folder;
      for (const file of await readdir(folder, { recursive, withFileTypes: true })) {
        if (!file.isFile()) continue;
        const text = await readFile(path.join(file.parentPath, file.name), "utf8");
        const shown = file.name.startsWith("events-") ? withoutDebug(text) : text;
        if (shown !== "") assertAbsent(values, shown, file.name);
      }
    }
    for (const what of ["api-blue", "api-green", "gateway", "postgres", "redis"]) {
      assertAbsent(values, await docker("inspect", stack.container(what)), `docker inspect ${what}`);
      assertAbsent(values, await stack.logs(what), `the logs of ${what}`);
      assertAbsent(
        values,
        await docker("top", stack.container(what), "-eo", "pid,args"),
        `docker top ${what}`,
      );
    }
    assertAbsent(values, await docker("images", "--no-trunc"), "the images");
    const logged = await engineLogs(began);
    assert.ok(logged.includes('"Command":"pulumi '), "no log of the engine can be read");
    assertAbsent(values, logged, "the engine's own logs");
  });

  it("that no slot reads any more are gone from the host", async () => {
    const sets = (await readdir(path.join(stack.hostDirectory, "secrets"))).filter((name) =>
      /-s\d+$/.test(name),
    );
    const read = await Promise.all(["blue", "green"].map((color) => inside(color, "stripe_key")));
    assert.deepEqual(read.sort(), [values[0], values[2]].sort());
    assert.deepEqual(sets.sort(), ["api-10001-s1", "api-10001-s2", "api-10001-s3"]);
    // The set before the last one is kept for one more run: a failed release goes back to it.
    stack.set({ [other(liveOf(stack))]: await release(newId()) });
    await stack.upOk();
    const after = (await readdir(path.join(stack.hostDirectory, "secrets"))).filter((name) =>
      /-s\d+$/.test(name),
    );
    assert.deepEqual(after.sort(), ["api-10001-s1", "api-10001-s3"]);
  });

  it("are refused as plain text before anything is changed", async () => {
    const before = stack.config;
    stack.set({ secrets: { STRIPE_KEY: "plain" } });
    const preview = await stack.preview();
    stack.config = before;
    assert.notEqual(preview.code, 0);
    assert.match(preview.output, /bluegreen:secrets\.STRIPE_KEY: got a plain value; allowed: a secret/);
    assert.match(preview.output, /pulumi config set --stack \S+ --secret --path 'secrets\.STRIPE_KEY'/);
  });

  it("a rotation of the database's password loses no request, and ends with the old one shut out", async () => {
    const sql = (query: string) =>
      docker("exec", stack.container("postgres"), "psql", "-U", "bluegreen", "-d", "app", "-Atc", query);
    const logins = () =>
      sql("SELECT rolname || ' ' || rolcanlogin FROM pg_roles WHERE rolname ~ '^app' ORDER BY 1");
    const first = liveOf(stack);
    const old = await inside(first, "database_password");
    await withoutLoss(stack.url, { expect: [first], kinds: gentle }, async (load) => {
      stack.set({ postgres: { passwordVersion: 2 }, [other(first)]: await release(newId()) });
      await stack.upOk();
      assert.equal(await logins(), "app true\napp_2 true");
      await load.expect("blue", "green");
      stack.set({ active: other(first) });
      await stack.upOk();
      await load.expect(other(first));
      assert.equal(await logins(), "app true\napp_2 true", "the way back still needs the old one");
      stack.set({ [first]: await release(newId()) });
      await stack.upOk();
      assert.equal(await logins(), "app false\napp_2 true");
    });
    const rotated = await inside(first, "database_password");
    values.push(old, rotated);
    assert.notEqual(rotated, old);
    const login = (user: string, file: string) =>
      docker(
        "exec",
        stack.container("postgres"),
        "sh",
        "-c",
        `PGPASSWORD=$(cat /run/secrets/${file}) psql -h ${stack.container("postgres")} -U ${user} -d app -Atc 'SELECT current_user' 2>&1 || true`,
      );
    assert.match(await login("app", "database_password"), /not permitted to log in/);
    assert.equal(await login("app_2", "database_password_2"), "app");
    assert.equal(await sql("SELECT tableowner FROM pg_tables WHERE tablename = 'items'"), "app");
    assertAbsent([old, rotated], await stack.logs("postgres"), "the logs of postgres");
    await nothingToDo(stack);
  });
});
