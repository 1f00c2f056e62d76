import assert from "node:assert/strict";
import path from "node:path";
import { paths } from "../../toolchain/setup/paths.ts";
import { pluginFolder, pluginProgram } from "../../toolchain/setup/plugin-folder.ts";
import { compareArguments } from "./argument-names.ts";

/** Upstream is a little older than npm's package: what the program must not use while this plugin serves it. */
const KNOWN = {
  aws: [
    "LifecyclePolicy.policyDetails.parameters.excludeDataVolumeTags: npm's types alone",
    "MetricAlarm.warmUpConfiguration: npm's types alone",
  ],
  cloudflare: [
    "DnsRecord.includeShadowMetadata: npm's types alone",
    "Ruleset.rules.actionParameters.originRangeRequests: npm's types alone",
  ],
} as const;

describe("the arguments of the plugins that are built here, held against npm's types", function () {
  this.timeout(300_000);

  for (const name of ["aws", "cloudflare"] as const)
    it(`are the same for ${name}, but for those that are known`, async () => {
      const program = path.join(pluginFolder(name, paths.pulumiHome), pluginProgram(name));
      const { same, differences } = await compareArguments(name, program);
      assert.deepEqual(differences, KNOWN[name]);
      assert.ok(same > 100, `${same} names were compared`);
    });
});
