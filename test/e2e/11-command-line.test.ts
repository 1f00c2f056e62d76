import assert from "node:assert/strict";
import { parseLedger } from "../../components/ledger/entry.ts";
import { EXIT } from "../../release/outcome.ts";
import { at } from "../support/json.ts";
import type { Result, Running } from "../support/process.ts";
import type { Stack } from "../support/stack.ts";
import { withoutLoss } from "../support/visitors.ts";
import { gentle, liveOf, newId, nothingToDo, other, release, sharedStack } from "./shared.ts";

function done(result: Result): unknown {
  assert.equal(result.code, EXIT.done, result.output);
  return JSON.parse(result.stdout);
}

describe("the command line", function () {
  this.timeout(900_000);
  let stack: Stack;

  before(async () => {
    stack = await sharedStack();
  });

  const image = async (id: string, fault?: Parameters<typeof release>[1]): Promise<string> =>
    (await release(id, fault)).images.api;
  const releaseOf = (color: string): unknown => at(stack.config, color, "release");
  const ledger = async () => parseLedger(await stack.read("ledger"));
  /** A deploy whose update is under way. */
  async function begun(id: string, api: string): Promise<Running> {
    const args = ["--image", `api=${api}`, "--release", id, "--by", "Anna"];
    const deploy = await stack.startBluegreen("deploy", ...args);
    await deploy.printed(/^update$[^]*^ {2}\w+ slot-\w+-guard$/m);
    return deploy;
  }
  /** Both slots: container ids, which a release changes and a flip does not. */
  const containers = () =>
    stack.docker("inspect", "--format", "{{.Id}}", stack.container("api-blue"), stack.container("api-green"));

  it("deploy: from an image to live, under load, on the record", async () => {
    const [live, idle] = [liveOf(stack), other(liveOf(stack))];
    const [id, before] = [newId(), String(releaseOf(live))];
    const api = await image(id);
    await withoutLoss(stack.url, { expect: [live], kinds: gentle }, async (load) => {
      await load.expect("blue", "green");
      const args = [
        "--image",
        `api=${api}`,
        "--release",
        id,
        "--by",
        "Anna",
        "--commit",
        "1a2b3c4d5e",
        "--json",
      ];
      const deployed = done(await stack.bluegreen("deploy", ...args));
      assert.deepEqual(
        [at(deployed, "release"), at(deployed, "color"), at(deployed, "live")],
        [id, idle, true],
      );
      await load.expect(idle);
    });
    assert.equal(await stack.live(), idle);
    await nothingToDo(stack);
    const entries = await ledger();
    const [released, wentLive] = ["released", "live"].map((event) =>
      entries.findLast((entry) => entry.event === event),
    );
    assert.ok(released?.event === "released" && wentLive?.event === "live");
    assert.deepEqual(
      [released.release, released.by, released.commit, released.images],
      [id, "Anna", "1a2b3c4d5e", { api }],
    );
    assert.deepEqual([wentLive.release, wentLive.from, wentLive.fromRelease], [id, live, before]);
    const migrated = entries.findLast((entry) => entry.event === "migrated");
    assert.ok(migrated?.event === "migrated");
    assert.deepEqual([migrated.release, migrated.ok], [id, true]);
    assert.match(migrated.after, /^000\d$/, "as Alembic keeps it");
    assert.ok(
      (await stack.target.run(["test", "-s", migrated.backup ?? ""])).code === 0,
      "the dump from before is there",
    );
    assert.match(
      String(at((await stack.outputs())["history"], "0")),
      new RegExp(`${idle} release ${id} \\(1a2b3c4d5e by Anna\\)$`),
    );
  });

  it("status and history say the same, for people and for machines", async () => {
    const live = liveOf(stack);
    const status = done(await stack.bluegreen("status", "--json"));
    assert.equal(at(status, "gateway", "live"), live);
    assert.deepEqual(at(status, "unfinished"), []);
    const text = await stack.bluegreen("status");
    assert.match(text.stdout, new RegExp(`^live  ${live}$`, "m"));
    assert.doesNotMatch(text.stdout, /^!/m);
    const history = done(await stack.bluegreen("history", "--json"));
    assert.ok(Array.isArray(history));
    assert.equal(at(history.at(-1), "verdict"), "live");
    assert.equal(at(history.at(-1), "release"), releaseOf(live));
  });

  it("rollback: to the warm slot, which changes one resource and loses nothing", async () => {
    const [live, idle] = [liveOf(stack), other(liveOf(stack))];
    const before = await containers();
    await withoutLoss(stack.url, { expect: [live], kinds: gentle }, async (load) => {
      await load.expect("blue", "green");
      const back = done(await stack.bluegreen("rollback", "--json"));
      assert.deepEqual([at(back, "kind"), at(back, "color")], ["flip", idle]);
      await load.expect(idle);
    });
    assert.equal(await containers(), before);
    assert.equal(liveOf(stack), idle);
    await nothingToDo(stack);
  });

  it("deploy of a release that errs: taken back, and the idle slot is the way back it was", async () => {
    const [live, idle] = [liveOf(stack), other(liveOf(stack))];
    const config = stack.config;
    const id = newId();
    const api = await image(id, "unhealthy");
    await withoutLoss(stack.url, { expect: [live], kinds: gentle }, async () => {
      const failed = await stack.bluegreen(
        "deploy",
        "--image",
        `api=${api}`,
        "--release",
        id,
        "--by",
        "Anna",
      );
      assert.equal(failed.code, EXIT.failed, failed.output);
      assert.match(failed.output, new RegExp(`${live} serves; ${idle} is as it was`));
    });
    const history = done(await stack.bluegreen("history", "--json"));
    assert.ok(Array.isArray(history));
    const last: unknown = history.at(-1);
    assert.deepEqual(
      [at(last, "release"), at(last, "verdict"), at(last, "color"), at(last, "images", "api")],
      [id, "failed", idle, api],
    );
    assert.deepEqual(stack.config, config);
    assert.equal(await stack.live(), live);
    const running = await stack.docker(
      "inspect",
      "--format",
      '{{index .Config.Labels "bluegreen.release"}} {{.State.Health.Status}}',
      stack.container(`api-${idle}`),
    );
    assert.equal(running.trim(), `${String(releaseOf(idle))} healthy`);
    await nothingToDo(stack);
    const ended = (await ledger()).findLast((entry) => entry.event === "ended");
    assert.ok(ended?.event === "ended" && !ended.ok);
  });

  it("rollback --to: an older release is released again, by its images", async () => {
    const [live, idle] = [liveOf(stack), other(liveOf(stack))];
    const old = String(releaseOf(idle));
    const id = newId();
    done(
      await stack.bluegreen(
        "deploy",
        "--image",
        `api=${await image(id)}`,
        "--release",
        id,
        "--by",
        "Anna",
        "--json",
      ),
    );
    assert.equal(liveOf(stack), idle);
    const back = done(await stack.bluegreen("rollback", "--to", old, "--by", "Anna", "--json"));
    assert.deepEqual([at(back, "kind"), at(back, "color"), at(back, "release")], ["release", live, old]);
    assert.equal((await fetch(`${stack.url}/version`)).headers.get("x-release"), old);
    await nothingToDo(stack);
  });

  it("deploy --no-flip leaves the visitors where they are", async () => {
    const [live, idle] = [liveOf(stack), other(liveOf(stack))];
    const id = newId();
    const args = ["--image", `api=${await image(id)}`, "--release", id, "--by", "Anna", "--no-flip"];
    const waits = await stack.bluegreen("deploy", ...args);
    assert.equal(waits.code, EXIT.done, waits.output);
    assert.match(waits.stdout, new RegExp(`release ${id} waits on ${idle}`));
    assert.equal(await stack.live(), live);
    assert.equal(releaseOf(idle), id);
  });

  it("promote: a share of the visitors, then all, and rollback takes a canary back", async () => {
    const [live, idle] = [liveOf(stack), other(liveOf(stack))];
    await withoutLoss(stack.url, { expect: ["blue", "green"], kinds: gentle }, async () => {
      const tenth = done(await stack.bluegreen("promote", "--to", "10", "--by", "Anna", "--json"));
      assert.deepEqual([at(tenth, "color"), at(tenth, "percent")], [idle, 10]);
      assert.equal((await stack.control("GET", "/state"))["canary"], "10");
      const deploy = await stack.bluegreen("deploy", "--image", "api=other:1", "--by", "Anna");
      assert.equal(deploy.code, EXIT.refused, deploy.output);
      assert.match(deploy.output, new RegExp(`10 % of visitors are on ${idle}, in a canary`));
      const back = done(await stack.bluegreen("rollback", "--json"));
      assert.deepEqual([at(back, "kind"), at(back, "color")], ["canary", live]);
      assert.deepEqual([await stack.live(), (await stack.control("GET", "/state"))["canary"]], [live, "0"]);
      done(await stack.bluegreen("promote", "--to", "50", "--by", "Anna", "--json"));
      done(await stack.bluegreen("promote", "--to", "100", "--by", "Anna", "--json"));
      assert.equal(await stack.live(), idle);
    });
    await nothingToDo(stack);
    const percents = (await ledger()).flatMap((entry) => (entry.event === "canary" ? [entry.percent] : []));
    assert.deepEqual(percents, [10, 0, 50, 0]);
  });

  it("refuses what cannot be, with what to type, and changes nothing", async () => {
    const config = stack.config;
    const live = liveOf(stack);
    const running = String(at(config, live, "images", "api"));
    for (const [args, said] of [
      [["deploy", "--image", `api=${running}`, "--by", "Anna"], /which is live, runs these images already/],
      [["deploy", "--image", "api=BAD IMAGE", "--by", "Anna"], /is no image/],
      [["deploy", "--image", "api"], /PART=IMAGE/],
      [["rollback", "--to", "nowhere"], /no release nowhere is on record/],
      [["rollback", "--to", String(releaseOf(live))], /is live already/],
      [["diff", "nowhere", "1"], /no release nowhere is on record/],
    ] as const) {
      const [command, ...more] = args;
      const refused = await stack.bluegreen(command, ...more);
      assert.equal(refused.code, EXIT.refused, refused.output);
      assert.match(refused.output, said);
    }
    assert.deepEqual(stack.config, config);
    await nothingToDo(stack);
  });

  it("asks on a terminal before a deploy, with --json too, and says no in one document", async () => {
    const config = stack.config;
    const words = ["--image", `api=${await image(newId())}`, "--by", "Anna", "--json"];
    const asked = await stack.bluegreenOnTerminal("n\n", "deploy", ...words);
    assert.equal(asked.code, EXIT.refused, asked.output);
    assert.match(asked.output, /carry this out\? \[y\/N\]/);
    assert.match(asked.output, /"kind": "refused",\s+"message": "not carried out"/);
    assert.deepEqual(stack.config, config);
  });

  it("a deploy that is killed leaves the live colour serving, and the next call says how to go on", async () => {
    const [live, idle] = [liveOf(stack), other(liveOf(stack))];
    const id = newId();
    const api = await image(id);
    await withoutLoss(stack.url, { expect: [live], kinds: gentle }, async () => {
      const deploy = await begun(id, api);
      await deploy.killTree();
      await deploy.done;
      await stack.readConfig();
      const status = await stack.bluegreen("status");
      assert.match(status.stdout, new RegExp(`! deploy of release ${id} by Anna began .* and did not end`));
      assert.match(status.stdout, new RegExp(`active ${idle}, brought up ${live}`));
      const locked = await stack.bluegreen("rollback");
      assert.equal(locked.code, EXIT.refused, locked.output);
      assert.match(locked.output, /pulumi cancel --stack/);
      await stack.cancel();
      const back = await stack.bluegreen("rollback");
      assert.equal(back.code, EXIT.done, back.output);
    });
    await nothingToDo(stack);
    assert.doesNotMatch((await stack.bluegreen("status")).stdout, /is not what was brought up last/);
  });

  const cutOff: Record<string, (deploy: Running) => void> = {
    "is cut off by Ctrl-C": (deploy) => {
      deploy.interrupt();
    },
    // By the shell, and by the kernel once that is gone: to whatever runs there, the engine too.
    "loses its terminal": ({ child }) => {
      for (let time = 0; time < 2; time++) process.kill(-(child.pid ?? 0), "SIGHUP");
    },
  };
  for (const [what, cut] of Object.entries(cutOff))
    it(`a deploy that ${what} is put back, leaves no lock, and the live colour serves all the while`, async () => {
      const config = stack.config;
      const [live, idle] = [liveOf(stack), other(liveOf(stack))];
      const id = newId();
      const api = await image(id);
      await withoutLoss(stack.url, { expect: [live], kinds: gentle }, async () => {
        const deploy = await begun(id, api);
        cut(deploy);
        const { code, output } = await deploy.done;
        assert.equal(code, EXIT.interrupted, output);
        assert.match(output, new RegExp(`${live} serves; ${idle} is as it was`));
        await stack.readConfig();
      });
      assert.deepEqual(stack.config, config);
      assert.doesNotMatch((await stack.bluegreen("status")).stdout, /^!/m);
      await nothingToDo(stack);
    });

  it("doctor finds nothing wrong, names what a person broke, and its command mends it", async () => {
    const idle = other(liveOf(stack));
    const well = await stack.bluegreen("doctor");
    assert.equal(well.code, EXIT.done, well.output);
    const name = stack.container(`api-${idle}`);
    await stack.docker("rm", "--force", name);
    const start = await stack.read("gateway/conf/start");
    await stack.write("gateway/conf/start", start.replace(/^live .*$/m, `live ${idle}`));
    const ill = await stack.bluegreen("doctor");
    assert.equal(ill.code, EXIT.failed, ill.output);
    assert.match(ill.stdout, new RegExp(`WRONG +${name} +missing`));
    assert.match(ill.stdout, new RegExp(`WRONG +after a restart of it +${idle} 0`));
    assert.match(ill.stdout, new RegExp(`${name}: pulumi up --refresh --stack ${stack.name}`));
    await stack.upOk("--refresh");
    const again = await stack.bluegreen("doctor");
    assert.equal(again.code, EXIT.done, again.output);
  });
});
