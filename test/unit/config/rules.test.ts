import assert from "node:assert/strict";
import { parseConfig } from "../../../components/config/parse.ts";
import type { Problem } from "../../../components/config/problems.ts";
import { checkAcrossKeys } from "../../../components/config/rules.ts";
import type { StackRecord } from "../../../components/slot/record.ts";
import { JOBS, MINIMAL, SSH_HOST, WEB, recordOf, settingsOf, slotSpecOf } from "../../support/fixtures.ts";

const release = (id: string, image = `app:${id}`) => JSON.stringify({ release: id, images: { api: image } });

function check(values: Record<string, string>, previous?: StackRecord, memoryMb = 2048): Problem[] {
  const { blue, green, ...rest } = MINIMAL;
  return checkAcrossKeys(parseConfig({ ...rest, blue, green, ...values }), previous, memoryMb);
}

function only(problems: Problem[]): Problem {
  assert.equal(problems.length, 1, JSON.stringify(problems));
  const [problem] = problems;
  assert.ok(problem);
  return problem;
}

describe("the keys of a config, held against each other and against what runs", () => {
  it("finds nothing wrong with a first up of both slots", () => {
    assert.deepEqual(check({}), []);
  });

  it("finds nothing wrong with a flip, a release onto the idle slot, or both in one", () => {
    assert.deepEqual(check({ active: "green" }, recordOf()), []);
    assert.deepEqual(check({ green: release("3") }, recordOf()), []);
    assert.deepEqual(check({ green: release("3"), active: "green" }, recordOf()), []);
  });

  it("refuses to make a slot live that has no release", () => {
    const { blue, host } = MINIMAL;
    const parsed = parseConfig({ active: "green", blue, host });
    const problem = only(checkAcrossKeys(parsed, undefined, 2048));
    assert.equal(problem.key, "active");
    assert.match(problem.got, /"green", a slot without a release/);
    assert.equal(problem.fix, "pulumi config set 'active' 'blue'");
  });

  it("refuses a release onto the live slot and names the other one (invariant 2)", () => {
    const problem = only(check({ blue: release("3") }, recordOf()));
    assert.equal(problem.key, "blue.release");
    assert.equal(problem.allowed, '"1", because blue is live; release onto green, then flip');
    assert.match(
      problem.fix,
      /'blue.release' '1' && .*'blue.images.api' 'app:1' && .*'green.release' '3' && .*'green.images.api' 'app:3'/,
    );
  });

  it("refuses it while the flip away from it is asked for too: it still serves until the switch", () => {
    const problem = only(check({ blue: release("3"), active: "green" }, recordOf()));
    assert.deepEqual([problem.key, problem.fix], ["blue.release", "npx bluegreen rollback"]);
  });

  it("refuses to empty the live slot", () => {
    const { green, host } = MINIMAL;
    const parsed = parseConfig({ active: "green", green, host });
    assert.equal(only(checkAcrossKeys(parsed, recordOf(), 2048)).got, "nothing");
  });

  it("refuses two releases at once, but for the very first up", () => {
    const problem = only(check({ blue: release("3"), green: release("4") }, recordOf()));
    assert.match(problem.allowed, /one slot's release at a time; blue is live and stays "1"/);
    assert.deepEqual(check({ blue: release("3"), green: release("4") }, undefined), []);
  });

  it("refuses a release id that stands for other images already, in either slot", () => {
    assert.match(
      only(check({ green: release("2", "app:other") }, recordOf())).allowed,
      /"app:2", which release "2"/,
    );
    assert.match(
      only(check({ green: release("1", "app:other") }, recordOf())).allowed,
      /"app:1", which release "1"/,
    );
    const problem = only(check({ blue: release("7"), green: release("7", "app:other") }));
    assert.equal(problem.fix, "pulumi config set --path --type string 'green.release' '8'");
  });

  it("refuses to replace the idle slot while a canary's visitors are on it", () => {
    const problem = only(check({ green: release("3"), canary: "0" }, recordOf({ canary: 10 })));
    assert.match(problem.allowed, /"2" while 10 % of visitors are sent to green/);
    assert.deepEqual(check({ canary: "0" }, recordOf({ canary: 10 })), []);
  });

  it("refuses a canary without a second release", () => {
    const { blue, host } = MINIMAL;
    const parsed = parseConfig({ active: "blue", blue, host, canary: "10" });
    assert.equal(only(checkAcrossKeys(parsed, undefined, 2048)).key, "canary");
  });

  it("refuses an image without a digest on any host but a local one", () => {
    const host = JSON.stringify({ ...SSH_HOST, memoryMb: 2048 });
    const keys = check({ host }).map(({ key }) => key);
    assert.deepEqual(keys, ["blue.images.api", "green.images.api"]);
  });

  const withWorker = (id: string, worker: string) =>
    JSON.stringify({ release: id, images: { api: `app:${id}`, worker } });

  it("refuses an image that nothing runs in, but takes it where worker or beat do", () => {
    const problem = only(check({ green: withWorker("3", "jobs:3") }, recordOf()));
    assert.equal(problem.key, "green.images.worker");
    assert.match(problem.allowed, /nothing, as long as the stack has no worker or beat/);
    assert.equal(problem.fix, "pulumi config rm --path 'green.images.worker'");
    for (const key of ["worker", "beat"] as const)
      assert.deepEqual(check({ green: withWorker("3", "jobs:3"), [key]: JOBS[key] }, recordOf()), []);
  });

  it("asks a release that begins for the image of the stack's web server, and not one that runs", () => {
    const problem = only(check({ ...WEB, green: release("3") }, recordOf()));
    assert.equal(problem.key, "green.images.web");
    assert.match(problem.allowed, /an image, because the stack has the key web/);
    assert.match(problem.fix, /^pulumi config set --path 'green.images.web' 'registry\/app-web@sha256:…'$/);
    const green = JSON.stringify({ release: "3", images: { api: "app:3", web: "web:3" } });
    assert.deepEqual(check({ ...WEB, green }, recordOf()), []);
    assert.equal(only(check({ green }, recordOf())).key, "green.images.web");
  });

  it("lets a slot that keeps its release keep its images, whatever the stack's keys are now", () => {
    const images = { api: "app:2", worker: "jobs:2" };
    const green = slotSpecOf("green", { release: "2", images }, settingsOf(JOBS));
    const previous = recordOf({ slots: { ...recordOf().slots, green } });
    assert.deepEqual(check({ green: withWorker("2", "jobs:2") }, previous), []);
    const other = only(check({ green: withWorker("2", "jobs:3") }, previous));
    assert.equal(other.key, "green.images.worker");
    assert.match(other.fix, /^pulumi config set --path --type string 'green.release' '3'$/);
    const none = only(check({ green: release("2") }, previous));
    assert.match(none.allowed, /^"jobs:2", which release "2" stands for/);
  });

  it("asks for the worker's digest too", () => {
    const host = JSON.stringify({ ...SSH_HOST, memoryMb: 4096 });
    const digest = `app@sha256:${"0".repeat(64)}`;
    const keys = check({
      host,
      ...JOBS,
      blue: JSON.stringify({ release: "1", images: { api: digest, worker: "jobs:1" } }),
      green: release("2", digest),
    }).map(({ key }) => key);
    assert.deepEqual(keys, ["blue.images.worker"]);
  });

  it("refuses memory limits that do not fit with the worker's of both colours", () => {
    assert.deepEqual(check(JOBS, undefined, 1400), []);
    const problem = only(check(JOBS, undefined, 1300));
    assert.match(
      problem.got,
      /^1152 MB \(api blue 128 .* worker blue 192 \+ worker green 192 \+ beat blue 96/,
    );
  });

  it("refuses memory limits that do not fit the host, with limits that do", () => {
    const problem = only(check({}, undefined, 512));
    assert.equal(problem.key, "memoryMb");
    assert.match(problem.got, /^576 MB \(api blue 128 \+ api green 128 \+ postgres 192/);
    assert.match(problem.allowed, /at most 435 MB, 0.85 of the host's 512 MB/);
    assert.equal(problem.fix, "pulumi config set --path 'memoryMb.api' '57'");
  });

  it("refuses another major version of Postgres", () => {
    const problem = only(check({ postgres: '{"image":"postgres:19"}' }, recordOf()));
    assert.match(problem.allowed, /major version 18, which wrote this stack's data/);
    assert.deepEqual(check({ postgres: '{"image":"postgres:18.1"}' }, recordOf()), []);
  });

  it("concludes nothing from a slot that did not parse, about that slot or the other", () => {
    const typo = JSON.stringify({ release: "1", image: { api: "app:1" } });
    assert.deepEqual(check({ blue: typo }), []);
    assert.deepEqual(check({ blue: typo }, recordOf()), []);
    assert.deepEqual(check({ green: typo, canary: "10" }), []);
    assert.deepEqual(check({ green: typo }, recordOf({ canary: 10 })), []);
    const problem = only(check({ blue: release("3"), green: typo }, recordOf()));
    assert.doesNotMatch(problem.fix, /green/);
  });

  it("concludes nothing from the defaults that stand for keys that did not parse", () => {
    assert.deepEqual(check({ memoryMb: '{"api":"little"}' }, undefined, 512), []);
    assert.deepEqual(check({ postgres: '{"image":17}' }, recordOf({ postgresMajor: 17 })), []);
  });
});
