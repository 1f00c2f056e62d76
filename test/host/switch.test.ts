import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";

import { parseSwitchReport } from "../../components/gateway/switch-report.ts";
import { docker, run, until } from "../support/process.ts";
import { type Color, GatewayStack, colors, converse, idle } from "./gatewayStack.ts";

const UPGRADE =
  "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" +
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

describe("switch.sh and guard.sh on a real engine", function () {
  this.timeout(60_000);
  let stack: GatewayStack;

  before(async () => {
    stack = await GatewayStack.make();
    await until("both applications are healthy", async () => {
      const states = colors.map((color) =>
        docker("inspect", "--format", "{{.State.Health.Status}}", stack.container(color)),
      );
      return (await Promise.all(states)).every((state) => state === "healthy");
    });
  });
  after(async () => {
    await stack.remove();
  });
  beforeEach(async () => {
    await stack.setState("blue");
  });

  const inApp = async (color: Color, command: string): Promise<string> =>
    await docker("exec", stack.container(color), "sh", "-c", command);
  const outside = async (): Promise<string | null> => (await fetch(stack.url())).headers.get("x-color");

  /** Everything that can be asked agrees that `color` is live, and no transaction is open. */
  const settledOn = async (color: Color | "none"): Promise<void> => {
    assert.equal(await stack.live(), color, "the dictionary");
    assert.equal(await stack.start(), color, "the start file");
    assert.equal((await outside()) ?? "none", color, "asked from outside");
    assert.ok(!existsSync(stack.at("gateway/unfinished")), "the transaction is closed");
  };

  /** Visitors for as long as `work` takes. */
  const visited = async <T>(work: Promise<T>): Promise<T> => {
    const over = new AbortController();
    const visits = (async () => {
      while (!over.signal.aborted) await fetch(stack.url("/x")).then((answer) => answer.text());
    })();
    try {
      return await work;
    } finally {
      over.abort();
      await visits;
    }
  };

  describe("switch.sh", () => {
    it("flips, proves it and reports it", async () => {
      const done = await visited(stack.switch(stack.plan("green", { bakeSeconds: 1 })));
      assert.equal(done.code, 0, done.output);
      const report = parseSwitchReport(done.stdout);
      assert.deepEqual([report.live, report.previous, report.flipped], ["green", "blue", true]);
      assert.ok(report.bakeMs >= 1000 && report.requests > 5 && report.errors === 0, done.stdout);
      assert.ok(
        report.totalMs >= report.checkMs + report.smokeMs + report.flipMs + report.proofMs + report.bakeMs,
      );
      await settledOn("green");
    });

    it("makes the first colour live, and takes it back to none when it fails its bake", async () => {
      await stack.setState("none");
      await inApp("green", "touch /tmp/broken");
      try {
        const failed = await visited(stack.switch(stack.plan("green", { bakeSeconds: 5 })));
        assert.equal(failed.code, 1, failed.output);
        assert.match(failed.stderr, /Undone: none is live again/);
        await settledOn("none");
      } finally {
        await inApp("green", "rm -f /tmp/broken");
      }
      const done = await stack.switch(stack.plan("green"));
      assert.equal(parseSwitchReport(done.stdout).previous, "none");
      await settledOn("green");
    });

    it("verifies a target that is live already and says that nothing flipped", async () => {
      const done = await stack.switch(stack.plan("blue"));
      assert.equal(done.code, 0, done.output);
      assert.equal(parseSwitchReport(done.stdout).flipped, false);
      const failed = await stack.switch(
        stack.plan("blue", { smoke: "path=/health&status=418", smokeWaitSeconds: 0 }),
      );
      assert.equal(failed.code, 1);
      assert.match(failed.stderr, /status is 200, expected 418. Nothing was changed/);
      await settledOn("blue");
    });

    it("turns maintenance on although the target is ill, and keeps it on over a flip until it is turned off", async () => {
      await docker("stop", "--time", "0", stack.container("blue"));
      const on = await stack.switch(stack.plan("blue", { maintenance: "60 Anna Ash" }));
      assert.equal(on.code, 0, on.output);
      assert.equal(parseSwitchReport(on.stdout).flipped, false);
      assert.equal((await fetch(stack.url("/x"))).headers.get("retry-after"), "60");
      const secret = (await readFile(stack.at("gateway/conf/bypass"), "utf8")).trim();
      assert.match(secret, /^[0-9a-f]{48}$/);
      const inside = { headers: { "x-bluegreen-bypass": secret } };
      await docker("start", stack.container("blue"));

      const flipped = await stack.switch(stack.plan("green", { maintenance: 60 }));
      assert.equal(flipped.code, 0, flipped.output);
      assert.equal((await fetch(stack.url("/x"))).status, 503);
      assert.equal(await (await fetch(stack.url("/x"), inside)).text(), "green");
      assert.match(
        await readFile(stack.at("gateway/conf/start"), "utf8"),
        /^live green\n.*\nmaintenance 60\n$/s,
      );

      const failed = await stack.switch(
        stack.plan("green", { smoke: "path=/health&status=418", smokeWaitSeconds: 0 }),
      );
      assert.equal(failed.code, 1, "visitors are not let in to what fails its checks");
      assert.equal((await fetch(stack.url("/x"))).status, 503);

      const off = await stack.switch(stack.plan("green"));
      assert.equal(off.code, 0, off.output);
      await settledOn("green");
      assert.ok(!existsSync(stack.at("gateway/conf/bypass")), "the secret is for one maintenance");
      // As a run leaves it that let visitors in and was cut off then.
      await writeFile(stack.at("gateway/conf/bypass"), `${secret}\n`);
      assert.equal((await stack.switch(stack.plan("green"))).code, 0);
      assert.ok(!existsSync(stack.at("gateway/conf/bypass")), "the next run takes it away");
      assert.doesNotMatch(on.output + flipped.output + failed.output + off.output, new RegExp(secret));
      await until("blue is healthy", async () => {
        const state = await docker(
          "inspect",
          "--format",
          "{{.State.Health.Status}}",
          stack.container("blue"),
        );
        return state === "healthy";
      });
    });

    it("closes again where what is let in does not answer", async () => {
      assert.equal((await stack.switch(stack.plan("blue", { maintenance: 60 }))).code, 0);
      const failed = await stack.switch(
        stack.plan("blue", { public: "http://127.0.0.1:9/", proofWaitSeconds: 1 }),
      );
      assert.equal(failed.code, 1, failed.output);
      assert.equal(await stack.value("/state", "maintenance"), "60");
      assert.match(await readFile(stack.at("gateway/conf/start"), "utf8"), /maintenance 60/);
    });

    it("mends a start file that was changed by hand", async () => {
      await writeFile(stack.at("gateway/conf/start"), "live green\n");
      assert.equal((await stack.switch(stack.plan("blue"))).code, 0);
      await settledOn("blue");
    });

    for (const [what, changes, sentence] of [
      [
        "another image",
        (s: GatewayStack) => ({ container: `${s.container("green")} nginx:1.30 2` }),
        /runs image python:3.14-slim, the plan says nginx:1.30/,
      ],
      [
        "an unknown image",
        (s: GatewayStack) => ({ container: `${s.container("green")} nobody@sha256:${"0".repeat(64)} 2` }),
        /does not have/,
      ],
      [
        "another release",
        (s: GatewayStack) => ({ container: `${s.container("green")} ${s.appImage} 3` }),
        /has release "2"/,
      ],
      [
        "no container",
        (s: GatewayStack) => ({ container: `${s.container("red")} ${s.appImage} 2` }),
        /No such container/,
      ],
      [
        "a failing smoke check",
        () => ({ smoke: "path=/health&json=%7B%22status%22%3A1%7D", smokeWaitSeconds: 1 }),
        /field status is "ok", expected 1/,
      ],
      [
        "no answer from outside",
        () => ({ public: "http://127.0.0.1:9/", proofWaitSeconds: 1 }),
        /asked from outside, 0 of 5/,
      ],
    ] as const) {
      it(`leaves blue serving when the target has ${what}`, async () => {
        const failed = await stack.switch(stack.plan("green", changes(stack)));
        assert.equal(failed.code, 1, failed.output);
        assert.match(failed.stderr, sentence);
        assert.equal(failed.stdout, "");
        assert.equal(await stack.live(), "blue");
        assert.equal(await stack.start(), "blue");
      });
    }

    it("gives up at once on an unhealthy target", async () => {
      await inApp("green", "touch /tmp/sick");
      try {
        await until("it is unhealthy", async () => {
          return (
            (await docker("inspect", "--format", "{{.State.Health.Status}}", stack.container("green"))) ===
            "unhealthy"
          );
        });
        const began = Date.now();
        const failed = await stack.switch(stack.plan("green", { healthWaitSeconds: 30 }));
        assert.match(failed.stderr, /is running, health unhealthy. Nothing was changed/);
        assert.ok(Date.now() - began < 10_000);
      } finally {
        await inApp("green", "rm -f /tmp/sick");
        await until("it is healthy", async () => {
          return (
            (await docker("inspect", "--format", "{{.State.Health.Status}}", stack.container("green"))) ===
            "healthy"
          );
        });
      }
    });

    it("puts the previous colour back when the error rate is too high", async () => {
      await inApp("green", "touch /tmp/broken");
      try {
        const failed = await visited(stack.switch(stack.plan("green", { bakeSeconds: 10 })));
        assert.equal(failed.code, 1, failed.output);
        assert.match(
          failed.stderr,
          /\d+ of \d+ requests to green failed in the bake window, allowed are 5 %. Undone: blue is live/,
        );
        await settledOn("blue");
      } finally {
        await inApp("green", "rm -f /tmp/broken");
      }
    });

    it("does not go back to a colour that does not answer", async () => {
      await docker("stop", "--time", "0", stack.container("blue"));
      await inApp("green", "touch /tmp/broken");
      try {
        const failed = await visited(stack.switch(stack.plan("green", { bakeSeconds: 10 })));
        assert.match(
          failed.stderr,
          /Not undone: blue, which was live before, does not answer; green stays live/,
        );
        await settledOn("green");
      } finally {
        await inApp("green", "rm -f /tmp/broken");
        await docker("start", stack.container("blue"));
        await until("blue is back", async () => (await stack.control("/slot/blue/x")) === "blue");
      }
    });

    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      it(`undoes itself on ${signal}`, async () => {
        const running = stack.switching(stack.plan("green", { bakeSeconds: 30 }));
        await running.printed(/proof: /);
        running.child.kill(signal);
        const ended = await running.done;
        assert.equal(ended.code, 1);
        assert.match(ended.stderr, /interrupted. Undone: blue is live again/);
        await settledOn("blue");
      });
    }

    it("proves a flip though visitors of the same address have used up its rate", async () => {
      assert.equal((await stack.apply({ rate: { requestsPerSecond: 1, burst: 0 } })).code, 0);
      try {
        const done = await visited(stack.switch(stack.plan("green")));
        assert.equal(done.code, 0, done.output);
        await until(
          "the limit to hold for visitors again",
          async () => (await fetch(stack.url("/"))).status === 429,
          5000,
        );
      } finally {
        await stack.apply();
      }
      await settledOn("green");
    });

    it("goes on to its end when nobody hears it any more", async () => {
      const running = stack.switching(stack.plan("green", { bakeSeconds: 1 }));
      await running.printed(/check: /);
      running.child.stderr?.destroy();
      running.child.stdout?.destroy();
      await running.exited;
      assert.equal(running.child.exitCode, 0);
      assert.equal(existsSync(stack.at("gateway/unfinished")), false);
      await settledOn("green");
    });

    it("puts the start file back when the gateway is gone for good", async () => {
      const running = stack.switching(stack.plan("green", { bakeSeconds: 60 }));
      await running.printed(/proof: /);
      await docker("stop", "--time", "1", stack.container("gateway"));
      try {
        const ended = await running.done;
        assert.equal(ended.code, 1);
        assert.match(ended.stderr, /The gateway does not answer; it will start with blue/);
        assert.equal(await stack.start(), "blue");
      } finally {
        await docker("start", stack.container("gateway"));
        await stack.untilServing();
      }
      assert.equal((await stack.switch(stack.plan("blue"))).code, 0);
      await settledOn("blue");
    });

    for (const bakeSeconds of ["0.5", "", "1e3"]) {
      it(`refuses a plan whose bake lasts "${bakeSeconds}" before anything changes`, async () => {
        const refused = await stack.switch(stack.plan("green", { bakeSeconds }));
        assert.equal(refused.code, 1);
        assert.match(refused.stderr, /bake_seconds is ".*", allowed are whole numbers/);
        assert.equal(await stack.live(), "blue");
      });
    }

    describe("killed and run again", () => {
      // Stand-ins that do the real thing and then kill the script that called them (its whole process group).
      const killing = async (command: string, when: string): Promise<NodeJS.ProcessEnv> => {
        await mkdir(stack.at("shim"), { recursive: true });
        for (const other of ["mv", "curl"]) {
          const body = other === command ? `case "$*" in ${when}) kill -9 0 ;; esac` : "";
          await writeFile(
            stack.at("shim", other),
            `#!/bin/sh\n/usr/bin/env -u SHIM PATH="$REAL_PATH" ${other} "$@"\ncode=$?\n${body}\nexit $code\n`,
          );
          await chmod(stack.at("shim", other), 0o755);
        }
        const path = process.env["PATH"] ?? "";
        return { ...process.env, REAL_PATH: path, PATH: `${stack.at("shim")}:${path}` };
      };

      for (const [moment, command, when, live] of [
        ["before the flip", "mv", "*/unfinished", "blue"],
        ["between start file and dictionary", "mv", "*/start", "blue"],
        ["right after the dictionary was set", "curl", "*'PUT http://gateway/state'*", "green"],
        ["after the proof", "curl", "*'Connection: close'*", "green"],
      ] as const) {
        it(`${moment}: the next run ends the transaction`, async () => {
          const env = await killing(command, when);
          const killed = await stack.switching(stack.plan("green"), { env }).done;
          assert.equal(killed.code, -1, killed.output);
          assert.equal(await stack.live(), live);
          const done = await stack.switch(stack.plan("green"));
          assert.equal(done.code, 0, done.output);
          assert.deepEqual(
            [parseSwitchReport(done.stdout).flipped, parseSwitchReport(done.stdout).previous],
            [true, "blue"],
          );
          await settledOn("green");
        });

        it(`${moment}: a run back to blue ends there`, async () => {
          await stack.switching(stack.plan("green"), { env: await killing(command, when) }).done;
          const done = await stack.switch(stack.plan("blue"));
          assert.equal(done.code, 0, done.output);
          await settledOn("blue");
        });
      }

      it("in the bake: the next run bakes again and still knows the way back", async () => {
        const running = stack.switching(stack.plan("green", { bakeSeconds: 30 }));
        await running.printed(/proof: /);
        running.killGroup();
        await running.done;
        assert.equal(await stack.live(), "green");
        await inApp("green", "touch /tmp/broken");
        try {
          const failed = await visited(stack.switch(stack.plan("green", { bakeSeconds: 10 })));
          assert.match(failed.stderr, /from a run that was cut off; its previous colour was blue/);
          assert.match(failed.stderr, /Undone: blue is live again/);
          await settledOn("blue");
        } finally {
          await inApp("green", "rm -f /tmp/broken");
        }
      });
    });

    it("lets only one run work at a time and says who holds the lock", async () => {
      const first = stack.switching(stack.plan("green", { bakeSeconds: 2 }));
      await first.printed(/check: /);
      const impatient = await stack.switch(stack.plan("blue", { lockWaitSeconds: 0 }));
      assert.equal(impatient.code, 1);
      assert.match(
        impatient.stderr,
        new RegExp(`another run holds .*/lock: switch.sh, process ${first.child.pid}, since`),
      );
      const second = await stack.switch(stack.plan("blue"));
      assert.equal((await first.done).code, 0);
      assert.equal(second.code, 0, second.output);
      await settledOn("blue");
    });

    it("survives a gateway that is killed in the bake", async () => {
      const running = stack.switching(stack.plan("green", { bakeSeconds: 3 }));
      await running.printed(/proof: /);
      process.kill(
        Number(await docker("inspect", "--format", "{{.State.Pid}}", stack.container("gateway"))),
        "SIGKILL",
      );
      const done = await running.done;
      assert.equal(done.code, 0, done.output);
      await stack.untilServing();
      await settledOn("green");
    });

    it("says what is wrong with a plan", async () => {
      for (const [plan, sentence] of [
        ["target red\n", /target is "red", allowed are blue, green/],
        ["target blue\n", /public is missing/],
        ["target blue\npublic http://a\n", /no container line/],
        ["colour blue\n", /unknown key "colour"/],
      ] as const) {
        const failed = await stack.switch(plan);
        assert.equal(failed.code, 1);
        assert.match(failed.stderr, sentence);
      }
    });
  });

  describe("guard.sh", () => {
    it("refuses the live colour whatever the start file says, and mends the file", async () => {
      await writeFile(
        stack.at("gateway/conf/start"),
        "live green\ncanary 0\nrelease.blue 1\nrelease.green 2\n",
      );
      const refused = await stack.guard("blue");
      assert.equal(refused.code, 1);
      assert.match(refused.stderr, /the gateway says blue is live, on release 1: it is not touched/);
      assert.equal(await stack.start(), "blue");
      assert.equal((await stack.guard("green")).code, 0);
    });

    it("lets a colour go that has no container, as after a destroy", async () => {
      const done = await run(stack.at("bin/guard.sh"), [
        stack.directory,
        "blue",
        "5",
        stack.container("red"),
      ]);
      assert.equal(done.code, 0, done.output);
      assert.match(done.stderr, /blue has no container yet/);
    });

    it("lets a live colour be that runs what is wanted already: nothing would be replaced", async () => {
      const container = stack.container("blue");
      const label = (name: string) =>
        docker("inspect", "--format", `{{index .Config.Labels "bluegreen.${name}"}}`, container);
      const [release, settings] = [(await label("release")).trim(), (await label("settings")).trim()];
      const ask = (hash: string) =>
        run(stack.at("bin/guard.sh"), [stack.directory, "blue", "5", container], {
          input: `release ${release}\nimage any\ncontainer ${hash}\n`,
        });
      assert.match((await ask(settings)).stderr, /blue runs this release already/);
      assert.equal((await ask("another")).code, 1);
    });

    it("asks about every container of a slot: one that differs is enough, one that is missing is no loss", async () => {
      const ask = (...wanted: readonly (readonly [string, string])[]) =>
        run(
          stack.at("bin/guard.sh"),
          [stack.directory, "blue", "5", ...wanted.map(([what]) => stack.container(what))],
          {
            input: `release 1\n${wanted.map(([, hash]) => `image any\ncontainer ${hash}\n`).join("")}`,
          },
        );
      const same = await ask(["blue", "c0ffee"], ["worker", "c0ffee"]);
      assert.match(same.stderr, /blue runs this release already/);
      assert.match((await ask(["worker", "c0ffee"], ["beat", "c0ffee"])).stderr, /no container yet/);
      for (const wanted of [
        [
          ["blue", "another"],
          ["worker", "c0ffee"],
        ],
        [
          ["worker", "c0ffee"],
          ["blue", "another"],
        ],
        // Stands for a second container, of an older release.
        [
          ["blue", "c0ffee"],
          ["green", "c0ffee"],
        ],
      ] as const) {
        const refused = await ask(...wanted);
        assert.equal(refused.code, 1, refused.output);
        assert.match(refused.stderr, /the gateway says blue is live/);
      }
    });

    it("takes back a flip that was cut off in its bake, when the colour is to be replaced", async () => {
      const running = stack.switching(stack.plan("green", { bakeSeconds: 30 }));
      await running.printed(/proof: /);
      running.killGroup();
      await running.done;
      const done = await stack.guard("green");
      assert.equal(done.code, 0, done.output);
      assert.match(done.stderr, /a flip to green was cut off before it was proven: blue is live again/);
      assert.equal(existsSync(stack.at("gateway/unfinished")), false);
      await settledOn("blue");
    });

    it("refuses a colour that gets a canary's visitors", async () => {
      await stack.setState("blue", 10);
      const refused = await stack.guard("green");
      assert.equal(refused.code, 1);
      assert.match(refused.stderr, /sends 10 % of visitors to green/);
    });

    it("asks the start file while the gateway is down", async () => {
      await docker("stop", "--time", "1", stack.container("gateway"));
      try {
        assert.match((await stack.guard("blue")).stderr, /its start file says blue is live/);
        assert.equal((await stack.guard("green")).code, 0);
      } finally {
        await docker("start", stack.container("gateway"));
        await stack.untilServing();
      }
    });

    it("waits for open connections, until they end or the drain window is over", async () => {
      const { socket } = await converse(stack.port, UPGRADE, /\r\n\r\n/);
      assert.equal((await stack.switch(stack.plan("green"))).code, 0);
      let began = Date.now();
      const patient = stack.guard("blue", 20);
      setTimeout(() => socket.destroy(), 1000);
      const done = await patient;
      assert.equal(done.code, 0);
      assert.match(done.stderr, /waiting for 1 open connections to blue/);
      assert.ok(Date.now() - began >= 950 && Date.now() - began < 10_000);

      const held = await converse(stack.port, UPGRADE.replace("/ws", "/ws?2"), /\r\n\r\n/);
      assert.equal((await stack.switch(stack.plan("blue"))).code, 0);
      // However long ago the flip was: the window belongs to the release that replaces the slot.
      await until("the flip to be older than the window", () => Date.now() - began > 2500, 5000);
      began = Date.now();
      const over = await stack.guard("green", 2);
      assert.equal(over.code, 0);
      assert.match(over.stderr, /1 connections to green are still open, its 2 s are over/);
      assert.ok(Date.now() - began >= 1000 && Date.now() - began < 5000);
      held.socket.destroy();
    });

    it("waits for a switch that is still running before it looks", async () => {
      const running = stack.switching(stack.plan("green", { bakeSeconds: 1 }));
      await running.printed(/smoke: /);
      const refused = await stack.guard("green");
      assert.equal((await running.done).code, 0);
      assert.match(refused.stderr, /the gateway says green is live/);
      assert.equal(idle("green"), "blue");
    });
  });
});
