import assert from "node:assert/strict";
import { type Clouds, startClouds } from "./clouds.ts";
import { type CloudStack, Project, committedConfig, succeeded } from "./project.ts";

const ZONE = "example.com";

describe("the committed stacks, while nothing of them is there", function () {
  this.timeout(300_000);
  let clouds: Clouds;
  let zoneId: string;
  let project: Project;
  const stacks = new Map<string, CloudStack>();

  before(async () => {
    clouds = await startClouds();
    zoneId = clouds.cloudflare.account.addZone(ZONE).id;
    project = await Project.create("preview", { kind: "own" });
    for (const name of ["staging", "prod"])
      stacks.set(name, await project.stack(name, { ...clouds.config, ...(await committedConfig(name)) }));
  });

  after(async () => {
    await project.remove();
    await clouds.close();
  });

  /** Whatever changed something at one of the two; a POST is how most of AWS is asked, too. */
  const changes = (): readonly string[] => [
    ...clouds.cloudflare.requests
      .filter(({ method }) => method !== "GET")
      .map(({ method, path }) => `${method} ${path}`),
    ...clouds.aws.calls
      .map(({ operation }) => operation)
      .filter((operation) => !/^(Get|Describe|List)/.test(operation)),
  ];

  const stack = (name: string): CloudStack => {
    const found = stacks.get(name);
    assert.ok(found);
    return found;
  };

  for (const name of ["staging", "prod"])
    it(`${name} is planned in full with the providers' own checks, and nothing is changed`, async () => {
      const preview = succeeded(await stack(name).preview());
      assert.deepEqual(Object.keys(preview.changes), ["create"], preview.output);
      assert.ok((preview.changes["create"] ?? 0) > 70, preview.output);
      assert.deepEqual(changes(), []);
    });

  it("a second owner of the zone is refused before anything is changed", async () => {
    const marker = { name: `_bluegreen.${ZONE}`, type: "TXT", ttl: 300, content: '"owner=other/prod"' };
    const records = `/zones/${zoneId}/dns_records`;
    await clouds.cloudflare.call("POST", records, marker);
    const up = await stack("prod").up();
    assert.notEqual(up.code, 0);
    assert.match(up.output, /edge\.ownsZone: got true; allowed: false, because other\/prod owns the zone/);
    assert.deepEqual(changes(), [`POST ${records}`], "but for the other owner's own record");
    // The state holds the way to ask and nothing that was made.
    const made = [...(await stack("prod").ids()).keys()].filter((name) => !name.startsWith("pulumi:"));
    assert.deepEqual(made, []);
  });

  it("a stack that does not ask for the zone is not refused by its owner", async () => {
    const preview = succeeded(await stack("staging").preview());
    assert.doesNotMatch(preview.output, /no stack owns the zone/);
  });
});
