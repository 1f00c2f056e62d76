import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { confirmer } from "../../../release/deploy/command.ts";

describe("a question before a command goes on", () => {
  function terminal(answer: string) {
    const streams = { stdin: new PassThrough(), stderr: new PassThrough() };
    if (answer === "") streams.stdin.end();
    else streams.stdin.write(answer);
    return {
      streams: {
        stdin: Object.assign(streams.stdin, { isTTY: true }),
        stderr: Object.assign(streams.stderr, { isTTY: true }),
      },
      said: () => String(streams.stderr.read()),
    };
  }

  it("is asked on stderr of whoever sits there, and nobody else", async () => {
    for (const [answer, yes] of [
      ["y\n", true],
      ["YES\n", true],
      ["\n", false],
      ["n\n", false],
      ["", false],
    ] as const) {
      const { streams, said } = terminal(answer);
      assert.equal(await confirmer(false, streams)("migrate the database?"), yes, answer);
      assert.match(said(), /migrate the database\? \[y\/N\]/);
    }
    assert.equal(await confirmer(true, terminal("n\n").streams)("?"), true);
    const pipe = { ...terminal("n\n").streams, stdin: Object.assign(new PassThrough(), { isTTY: false }) };
    assert.equal(await confirmer(false, pipe)("?"), true);
  });
});
