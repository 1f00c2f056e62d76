import assert from "node:assert/strict";
import { EXIT } from "../../release/outcome.ts";
import { tagOf } from "../support/images.ts";
import { Stack } from "../support/stack.ts";
import { liveOf, newId, nothingToDo, other, release, sharedConfig } from "./shared.ts";

describe("the images of past releases", function () {
  this.timeout(900_000);
  let stack: Stack;
  let made: Stack | undefined;
  /** The releases of this test, in the order in which they went live. */
  const ids = [newId(), newId(), newId(), newId()] as const;
  const [oldest, old] = ids;

  before(async () => {
    // Nobody else's releases: what is removed here is gone from the engine, also for this process's next test.
    const slots = { blue: await release(newId()), green: await release(newId()) };
    made = await Stack.create("retention", { ...(await sharedConfig()), ...slots, retention: 3 });
    stack = made;
    await stack.upOk();
  });
  after(async () => {
    await made?.remove();
  });

  /** Which of this test's releases have their image on the host. */
  async function there(): Promise<readonly string[]> {
    const tags = (await stack.docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}")).split("\n");
    return ids.filter((id) => tags.some((tag) => tag.endsWith(`bluegreen-sample-api:${tagOf(id)}`)));
  }
  async function live(id: string): Promise<string> {
    const idle = other(liveOf(stack));
    stack.set({ [idle]: await release(id), active: idle });
    return (await stack.upOk()).output;
  }

  it("stay for the last releases that were live, and go with the next, by pulumi up alone", async () => {
    // An image that no release has had yet is nobody's to remove.
    await release(ids[3]);
    for (const id of ids.slice(0, 3)) await live(id);
    assert.deepEqual(await there(), ids);
    const output = await live(ids[3]);
    assert.match(
      output,
      new RegExp(`prune.sh: \\S+:${tagOf(oldest)} is of no release that is kept: removed`),
    );
    assert.deepEqual(await there(), ids.slice(1));
    await nothingToDo(stack);
  });

  it("bring an older release back without a registry", async () => {
    const back = await stack.bluegreen("rollback", "--to", old, "--by", "Anna");
    assert.equal(back.code, EXIT.done, back.output);
    assert.equal((await fetch(`${stack.url}/version`)).headers.get("x-release"), old);
    await nothingToDo(stack);
  });

  it("are missed before anything changes, where one is gone and comes from nowhere", async () => {
    const config = stack.config;
    const refused = await stack.bluegreen("rollback", "--to", oldest, "--by", "Anna");
    assert.equal(refused.code, EXIT.refused, refused.output);
    assert.match(
      refused.output,
      new RegExp(`release ${oldest} needs \\S+:${tagOf(oldest)}, which the host does not have any more`),
    );
    assert.deepEqual(stack.config, config);
  });
});
