import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";

import { parseSwitchReport } from "../../components/gateway/switch/switch-report.ts";
import { docker, until } from "../support/process.ts";
import type { GatewayStack } from "./gatewayStack.ts";
import { inApp, settledOn, visited, withHealthyStack } from "./switching.ts";

describe("switch.sh on a real engine", function () {
  this.timeout(600_000);
  let stack: GatewayStack;

  withHealthyStack((made) => {
    stack = made;
  });

  it("flips, proves it and reports it", async () => {
    const done = await visited(stack, stack.switch(stack.plan("green", { bakeSeconds: 1 })));
    assert.equal(done.code, 0, done.output);
    const report = parseSwitchReport(done.stdout);
    assert.deepEqual([report.live, report.previous, report.flipped], ["green", "blue", true]);
    assert.ok(report.bakeMs >= 1000 && report.requests > 5 && report.errors === 0, done.stdout);
    assert.ok(
      report.totalMs >= report.checkMs + report.smokeMs + report.flipMs + report.proofMs + report.bakeMs,
    );
    await settledOn(stack, "green");
  });

  it("makes the first colour live, and takes it back to none when it fails its bake", async () => {
    await stack.setState("none");
    await inApp(stack, "green", "touch /tmp/broken");
    try {
      const failed = await visited(stack, stack.switch(stack.plan("green", { bakeSeconds: 5 })));
      assert.equal(failed.code, 1, failed.output);
      assert.match(failed.stderr, /Undone: none is live again/);
      await settledOn(stack, "none");
    } finally {
      await inApp(stack, "green", "rm -f /tmp/broken");
    }
    const done = await stack.switch(stack.plan("green"));
    assert.equal(parseSwitchReport(done.stdout).previous, "none");
    await settledOn(stack, "green");
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
    await settledOn(stack, "blue");
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
    await settledOn(stack, "green");
    assert.ok(!existsSync(stack.at("gateway/conf/bypass")), "the secret is for one maintenance");
    // As a run leaves it that let visitors in and was cut off then.
    await writeFile(stack.at("gateway/conf/bypass"), `${secret}\n`);
    assert.equal((await stack.switch(stack.plan("green"))).code, 0);
    assert.ok(!existsSync(stack.at("gateway/conf/bypass")), "the next run takes it away");
    assert.doesNotMatch(on.output + flipped.output + failed.output + off.output, new RegExp(secret));
    await until("blue is healthy", async () => {
      const state = await docker("inspect", "--format", "{{.State.Health.Status}}", stack.container("blue"));
      return state === "healthy";
    });
  });

  it("says that visitors are kept out where all else fails its checks", async () => {
    const failed = await stack.switch(
      stack.plan("green", { maintenance: 60, smoke: "path=/health&status=418", smokeWaitSeconds: 0 }),
    );
    assert.equal(failed.code, 1, failed.output);
    assert.match(
      failed.stderr,
      /418\. Visitors get the page of maintenance now, nothing else was changed, live is still: blue/,
    );
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
    await settledOn(stack, "blue");
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
    await inApp(stack, "green", "touch /tmp/sick");
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
      await inApp(stack, "green", "rm -f /tmp/sick");
      await until("it is healthy", async () => {
        return (
          (await docker("inspect", "--format", "{{.State.Health.Status}}", stack.container("green"))) ===
          "healthy"
        );
      });
    }
  });

  it("sends no share of the visitors to a slot that is down, and takes back the one it has", async () => {
    await docker("stop", "--time", "0", stack.container("green"));
    try {
      const refused = await stack.switch(stack.plan("blue", { canary: 10 }));
      assert.equal(refused.code, 1, refused.output);
      assert.match(
        refused.stderr,
        /green is exited, .*\. green is to get 10 % of the visitors; .*\. Nothing was changed/,
      );
      assert.equal(await stack.value("/state", "canary"), "0");
      await settledOn(stack, "blue");
      await stack.setState("blue", 10);
      const back = await stack.switch(stack.plan("blue"));
      assert.equal(back.code, 0, back.output);
      assert.equal(await stack.value("/state", "canary"), "0");
    } finally {
      await docker("start", stack.container("green"));
      await until("green is healthy", async () => {
        const state = await docker(
          "inspect",
          "--format",
          "{{.State.Health.Status}}",
          stack.container("green"),
        );
        return state === "healthy";
      });
    }
    const done = await stack.switch(stack.plan("blue", { canary: 10 }));
    assert.equal(done.code, 0, done.output);
    assert.match(done.stderr, /smoke: 1 checks of blue and of green passed/);
  });

  it("puts the previous colour back when the error rate is too high", async () => {
    await inApp(stack, "green", "touch /tmp/broken");
    try {
      const failed = await visited(stack, stack.switch(stack.plan("green", { bakeSeconds: 10 })));
      assert.equal(failed.code, 1, failed.output);
      assert.match(
        failed.stderr,
        /\d+ of \d+ requests to green failed in the bake window, allowed are 5 %. Undone: blue is live/,
      );
      await settledOn(stack, "blue");
    } finally {
      await inApp(stack, "green", "rm -f /tmp/broken");
    }
  });

  it("does not go back to a colour that does not answer", async () => {
    await docker("stop", "--time", "0", stack.container("blue"));
    await inApp(stack, "green", "touch /tmp/broken");
    try {
      const failed = await visited(stack, stack.switch(stack.plan("green", { bakeSeconds: 10 })));
      assert.match(
        failed.stderr,
        /Not undone: blue, which was live before, does not answer; green stays live/,
      );
      await settledOn(stack, "green");
    } finally {
      await inApp(stack, "green", "rm -f /tmp/broken");
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
      await settledOn(stack, "blue");
    });
  }

  it("proves a flip though visitors of the same address have used up its rate", async () => {
    assert.equal((await stack.apply({ rate: { requestsPerSecond: 1, burst: 0 } })).code, 0);
    try {
      const done = await visited(stack, stack.switch(stack.plan("green")));
      assert.equal(done.code, 0, done.output);
      await until(
        "the limit to hold for visitors again",
        async () => (await fetch(stack.url("/"))).status === 429,
        5000,
      );
    } finally {
      await stack.apply();
    }
    await settledOn(stack, "green");
  });

  it("goes on to its end when nobody hears it any more", async () => {
    const running = stack.switching(stack.plan("green", { bakeSeconds: 1 }));
    await running.printed(/check: /);
    running.child.stderr?.destroy();
    running.child.stdout?.destroy();
    await running.exited;
    assert.equal(running.child.exitCode, 0);
    assert.equal(existsSync(stack.at("gateway/unfinished")), false);
    await settledOn(stack, "green");
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
    await settledOn(stack, "blue");
  });

  for (const bakeSeconds of ["0.5", "", "1e3"]) {
    it(`refuses a plan whose bake lasts "${bakeSeconds}" before anything changes`, async () => {
      const refused = await stack.switch(stack.plan("green", { bakeSeconds }));
      assert.equal(refused.code, 1);
      assert.match(refused.stderr, /bake_seconds is ".*", allowed are whole numbers/);
      assert.equal(await stack.live(), "blue");
    });
  }

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
    await settledOn(stack, "blue");
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
    await settledOn(stack, "green");
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
