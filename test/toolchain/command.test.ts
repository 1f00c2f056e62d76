// The contract of @pulumi/command 1.2.1's local.Command, run against whichever plugin the engine finds: the stand-in of
// toolchain/command-plugin or the published one. What only the stand-in does is in a group of its own.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { alive, ThrowAwayStack, until } from "./support.ts";
import type { Declared, Finished, Recorded } from "./support.ts";

const longLineBytes = 200_000;

/** Writes a line into the journal, which shows what ran and in which order. */
const note = (line: string): string => `echo "${line}" >> journal`;

/** The program's resources; `word` is the one input that the updates change. */
function resources(word: string): Record<string, Declared> {
  return {
    plain: { args: { create: "echo out; echo; echo err >&2; printf end" } },
    sorted: {
      args: {
        create: `printf "$WORD/$SECRET"; pwd; cat`,
        dir: "/",
        environment: { WORD: "w", SECRET: { secret: "hidden-e" } },
        stdin: { secret: "hidden-i" },
      },
    },
    interpreted: { args: { create: "console.log(6 * 7)", interpreter: ["node", "-e"] } },
    silent: { args: { create: "echo silent-out; echo silent-err >&2", logging: "none" } },
    half: { args: { create: "echo half-out; echo half-err >&2", logging: "stderr" } },
    again: {
      args: {
        create: `${note(`again create ${word}`)}; printf "$PULUMI_COMMAND_STDOUT."`,
        addPreviousOutputInEnv: true,
        environment: { WORD: word },
      },
    },
    updated: {
      args: {
        create: `${note("updated create")}; echo first`,
        update: `${note(`updated update ${word}`)}; printf "saw:$PULUMI_COMMAND_STDOUT"`,
        delete: note(`updated delete ${word}`),
      },
    },
    alone: {
      args: {
        create: `${note("alone create")}; printf "$PULUMI_COMMAND_STDOUT"`,
        addPreviousOutputInEnv: false,
        delete: note(`alone delete ${word}`),
      },
    },
    triggered: {
      args: {
        create: note(`triggered create ${word}`),
        update: note("triggered update"),
        delete: note(`triggered delete ${word}`),
        triggers: [word, 1, { deep: word }],
      },
    },
    ordered: {
      args: {
        create: note(`ordered create ${word}`),
        delete: note(`ordered delete ${word}`),
        triggers: [word],
      },
      options: { deleteBeforeReplace: true },
    },
  };
}

describe("command.local.Command", function () {
  this.timeout(300_000);
  const stack = new ThrowAwayStack();
  let shown: string[] = [];
  before(async () => {
    await stack.init();
    stack.declare(resources("one"));
    const up = await stack.up("--event-log", join(stack.folder, "events"));
    assert.equal(up.exitCode, 0, up.text);
    shown = shownLines(readFileSync(join(stack.folder, "events"), "utf8"));
  });
  after(() => stack.remove());

  describe("create", () => {
    it("keeps both streams, without the last newline only", () => {
      const { stdout, stderr } = stack.recorded("plain").outputs;
      assert.deepEqual({ stdout, stderr }, { stdout: "out\n\nend", stderr: "err" });
    });
    it("runs in dir, with environment and stdin", () => {
      assert.equal(stack.recorded("sorted").outputs["stdout"], "w/hidden-e/\nhidden-i");
    });
    it("runs with the interpreter given", () => {
      assert.equal(stack.recorded("interpreted").outputs["stdout"], "42");
    });
    it("runs in the program's folder when no dir is given", () => {
      assert.ok(stack.lines("journal").includes("again create one"));
    });
    it("keeps secret inputs secret in state, and stdout plain as the published one does", () => {
      const { inputs, outputs } = stack.recorded("sorted");
      assert.doesNotMatch(JSON.stringify(inputs), /hidden-/);
      assert.doesNotMatch(JSON.stringify({ ...outputs, stdout: "" }), /hidden-/);
      assert.match(JSON.stringify(outputs["stdin"]), /ciphertext/);
    });
    it("shows the streams that logging names, line by line", () => {
      const printed = ["half-out", "half-err", "silent-out", "silent-err"];
      assert.deepEqual(
        printed.filter((text) => shown.includes(text)),
        ["half-err"],
      );
      assert.equal(stack.recorded("silent").outputs["stdout"], "silent-out");
    });
  });

  describe("with nothing changed", () => {
    it("runs nothing, refresh included", async () => {
      const before = stack.lines("journal");
      const up = await stack.up("--refresh", "--expect-no-changes");
      assert.equal(up.exitCode, 0, up.text);
      assert.deepEqual(stack.lines("journal"), before);
    });
  });

  describe("preview", () => {
    it("runs no command, but runs local.run", async () => {
      const before = stack.lines("journal");
      stack.declare(resources("two"), note("run function"));
      const preview = await stack.pulumi("preview", "--diff");
      assert.equal(preview.exitCode, 0, preview.text);
      assert.deepEqual(stack.lines("journal").slice(before.length), ["run function"]);
      assert.match(preview.text, /~ 3 to update/);
      assert.match(preview.text, /\+-2 to replace/);
    });
  });

  describe("update", () => {
    let ids: Map<string, string>;
    let ran: string[] = [];
    before(async () => {
      ids = new Map([...stack.state()].map(([name, { id }]) => [name, id]));
      const before = stack.lines("journal").length;
      await stack.mustUp(resources("two"));
      ran = stack.lines("journal").slice(before);
    });
    const of = (name: string): string[] => ran.filter((line) => line.startsWith(`${name} `));

    it("runs create again where there is no update, in place, and shows it the last output", () => {
      assert.deepEqual(of("again"), ["again create two"]);
      assert.equal(stack.recorded("again").id, ids.get("again"));
      assert.equal(stack.recorded("again").outputs["stdout"], "..");
    });
    it("runs update where there is one, and shows it the last output", () => {
      assert.deepEqual(of("updated"), ["updated update two"]);
      assert.equal(stack.recorded("updated").id, ids.get("updated"));
      assert.equal(stack.recorded("updated").outputs["stdout"], "saw:first");
    });
    it("counts a change of delete alone as a change, and hides the last output when asked", () => {
      assert.deepEqual(of("alone"), ["alone create"]);
      assert.equal(stack.recorded("alone").outputs["stdout"], "");
    });
    it("replaces when a trigger changes, update or not: new create, then the old delete from state", () => {
      assert.deepEqual(of("triggered"), ["triggered create two", "triggered delete one"]);
      assert.notEqual(stack.recorded("triggered").id, ids.get("triggered"));
    });
    it("deletes first with deleteBeforeReplace", () => {
      assert.deepEqual(of("ordered"), ["ordered delete one", "ordered create two"]);
    });
  });

  describe("failure", () => {
    // The three runs serve both commands, so that the file stays quick.
    const declare = (word: string): void => {
      stack.declare({
        ...resources("two"),
        creating: {
          args: {
            create: "echo why >&2; test -e allowed",
            delete: note("creating delete"),
            logging: "none",
          },
        },
        updating: {
          args: {
            create: "true",
            update: `${note(`updating ${word}`)}; false`,
            environment: { WORD: word },
          },
        },
      });
    };
    const keepGoing = (): Promise<Finished> => stack.up("--continue-on-error");
    let afterFirst = new Map<string, Recorded>();
    let first: Finished;
    before(async () => {
      declare("one");
      first = await keepGoing();
      afterFirst = stack.state();
      stack.write("allowed", "");
      declare("two");
      assert.notEqual((await keepGoing()).exitCode, 0);
      assert.notEqual((await keepGoing()).exitCode, 0);
    });

    it("of create leaves nothing in state, and says command and output even with logging none", () => {
      assert.notEqual(first.exitCode, 0);
      assert.match(first.text, /exit status 1: running "echo why >&2; test -e allowed":\s+why/);
      assert.deepEqual([afterFirst.has("creating"), afterFirst.has("updating")], [false, true]);
    });
    it("of create is tried again by the next up, without a delete in between", () => {
      assert.equal(stack.recorded("creating").outputs["stderr"], "why");
      assert.equal(stack.lines("journal").includes("creating delete"), false);
    });
    it("of update keeps the old inputs, and is tried again", () => {
      const tried = stack.lines("journal").filter((line) => line.startsWith("updating"));
      assert.deepEqual(tried, ["updating two", "updating two"]);
      assert.deepEqual(stack.recorded("updating").inputs["environment"], { WORD: "one" });
    });
  });

  describe("beyond the published one", () => {
    it("does not hang on a line of 200 kB with logging on, nor on bytes that are not UTF-8", async () => {
      await stack.mustUp({
        ...resources("two"),
        long: { args: { create: `head -c ${longLineBytes} /dev/zero | tr '\\0' x; printf '\\377'` } },
      });
      const printed = stack.recorded("long").outputs["stdout"];
      assert.equal(printed, `${"x".repeat(longLineBytes)}\uFFFD`);
    });
    it("says in preview that assetPaths are not built", async () => {
      stack.declare({ ...resources("two"), assets: { args: { create: "true", assetPaths: ["*"] } } });
      const preview = await stack.pulumi("preview");
      assert.notEqual(preview.exitCode, 0);
      assert.match(preview.text, /assetPaths and archivePaths are not built into this stand-in/);
    });
    it("ends children too when customTimeouts are over", async () => {
      stack.declare({
        ...resources("two"),
        slow: {
          args: { create: "echo $$ > pid; sleep 600 & echo $! >> pid; wait" },
          options: { customTimeouts: { create: "1s" } },
        },
      });
      const up = await stack.up();
      assert.notEqual(up.exitCode, 0);
      assert.match(up.text, /stopped \(context deadline exceeded\): running/);
      assert.deepEqual(stack.lines("pid").map(alive), [false, false]);
    });
    it("ends children too when the engine is interrupted, and leaves nothing pending", async () => {
      stack.write("pid", "");
      stack.declare({
        ...resources("two"),
        slow: { args: { create: "echo $$ > pid; sleep 600 & echo $! >> pid; wait" } },
      });
      const { process: engine, finished } = stack.start("up", "--yes", "--skip-preview");
      await until("the command runs", () => stack.lines("pid").length === 2);
      engine.kill("SIGINT");
      const { exitCode, text } = await finished;
      assert.notEqual(exitCode, 0);
      assert.match(text, /stopped \(context canceled\): running/);
      assert.deepEqual(stack.lines("pid").map(alive), [false, false]);
      assert.doesNotMatch(stack.stateText(), /"pending_operations":\[\{/);
    });
  });

  describe("delete", () => {
    it("runs the text that state holds", async () => {
      const before = stack.lines("journal").length;
      const destroyed = await stack.pulumi("destroy", "--yes", "--skip-preview");
      assert.equal(destroyed.exitCode, 0, destroyed.text);
      assert.deepEqual(stack.lines("journal").slice(before).toSorted(), [
        "alone delete two",
        "ordered delete two",
        "triggered delete two",
        "updated delete two",
      ]);
    });
  });
});

/** What the engine showed of the commands' output while they ran, from its event log. */
function shownLines(events: string): string[] {
  return events.split("\n").flatMap((line) => {
    if (line === "") return [];
    const { diagnosticEvent } = JSON.parse(line) as {
      diagnosticEvent?: { severity: string; message: string };
    };
    return diagnosticEvent?.severity === "info" ? [diagnosticEvent.message.trimEnd()] : [];
  });
}
