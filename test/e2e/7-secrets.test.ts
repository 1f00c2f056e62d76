import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import path from "node:path";

import { until } from "../support/process.ts";
import type { Stack } from "../support/stack.ts";
import { itHere, liveOf, newId, other, release, sharedStack } from "./shared.ts";

/** Every process's command line and environment that can be read. */
async function processes(): Promise<string> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  const texts = pids.flatMap((pid) =>
    ["cmdline", "environ"].map((file) => readFile(`/proc/${pid}/${file}`, "utf8").catch(() => "")),
  );
  return (await Promise.all(texts)).join("\n");
}

describe("secrets", function () {
  this.timeout(900_000);
  let stack: Stack;
  let values: readonly string[];

  before(async () => {
    stack = await sharedStack();
    const find = ["find", `${stack.hostDirectory}/secrets`, "-type", "f", "-exec"];
    // A line's end after each: a value has none of its own, and two in one would be found nowhere.
    const show = ["sh", "-c", 'cat "$1" && echo', "sh", "{}", ";"];
    const { code, stdout } = await stack.target.run([...find, ...show]);
    assert.equal(code, 0);
    // A file may hold more than the bare value (a line of configuration): what is long and random counts.
    values = [...new Set(stdout.match(/[A-Za-z0-9+/=_-]{16,}/g) ?? [])];
  });

  function assertAbsent(text: string, where: string): void {
    assert.ok(text.length > 0, `${where}: nothing to look at`);
    for (const value of values) assert.ok(!text.includes(value), `a secret stands in ${where}`);
  }

  it("there are at least two, readable by nobody else on the host", async () => {
    assert.ok(values.length >= 2, `got ${values.length}`);
    const { stdout } = await stack.target.run(["stat", "--format", "%a", stack.hostDirectory]);
    assert.equal(parseInt(stdout, 8) & 0o077, 0, stdout);
  });

  it("one that stood somewhere would be found", () => {
    for (const value of values)
      assert.throws(() => {
        assertAbsent(`{"x":"${value}"}`, "a text");
      }, /stands in a text/);
  });

  itHere("the application is given them as files", async () => {
    const files = await stack.docker("exec", stack.container("api-blue"), "ls", "/run/secrets");
    assert.deepEqual(files.split("\n").sort(), ["database_password", "redis_password"]);
  });

  it("none stands in the state or its history", async () => {
    const folder = path.join(stack.folder, "state");
    for (const file of await readdir(folder, { recursive: true, withFileTypes: true })) {
      if (!file.isFile()) continue;
      const text = await readFile(path.join(file.parentPath, file.name), "utf8");
      if (text !== "") assertAbsent(text, file.name);
    }
  });

  it("none is shown by preview, up, their events or the outputs", async () => {
    const idle = other(liveOf(stack));
    stack.set({ [idle]: await release(newId()) });
    const preview = await stack.preview("--diff", "--show-config", "--show-replacement-steps");
    assertAbsent(preview.output, "pulumi preview");
    const seen: string[] = [];
    const up = await stack.startUp();
    await until("up is over", async () => {
      seen.push(await processes());
      return up.ended;
    });
    const result = await up.done;
    assert.equal(result.code, 0, result.output);
    assertAbsent(result.output, "pulumi up");
    assertAbsent(seen.join("\n"), "a command line or environment while up ran");
    assertAbsent(JSON.stringify(await stack.outputs()), "the outputs");
    for (const file of (await readdir(stack.folder)).filter((name) => name.startsWith("events-"))) {
      assertAbsent(await readFile(path.join(stack.folder, file), "utf8"), file);
    }
  });

  for (const what of ["api-blue", "api-green", "gateway", "postgres", "redis"]) {
    itHere(`none is shown by docker inspect or the logs of ${what}`, async () => {
      assertAbsent(await stack.docker("inspect", stack.container(what)), `docker inspect ${what}`);
      const logs = await stack.logs(what);
      assertAbsent(logs, `the logs of ${what}`);
      assertAbsent(
        await stack.docker("top", stack.container(what), "-eo", "pid,args"),
        `the processes of ${what}`,
      );
    });
  }
});
