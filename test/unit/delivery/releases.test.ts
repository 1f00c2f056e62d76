import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { carryReleases, carryWhole } from "../../../delivery/releases.ts";
import { at } from "../../support/json.ts";

const FILE = `# ours
config:
  bluegreen:active: blue # the first release
  bluegreen:blue: { release: "1", images: { api: app:1 } }
  bluegreen:canary: 5
  bluegreen:memoryMb: { api: 256 }
  bluegreen:secrets: { STRIPE_KEY: { secure: v1:new } }
`;
const DEPLOYED = {
  commit: undefined,
  config: {
    "bluegreen:active": "green",
    "bluegreen:blue": { release: "41", images: { api: "app@sha256:41" } },
    "bluegreen:green": { release: "42", images: { api: "app@sha256:42" } },
    "bluegreen:memoryMb": { api: 128 },
  },
  secrets: ["bluegreen:secrets"],
};

describe("the releases of the last update", () => {
  it("take the place of the file's, and everything else stays as git has it", () => {
    const text = carryReleases(FILE, DEPLOYED, "bluegreen");
    assert.deepEqual(at(parse(text), "config"), {
      "bluegreen:active": "green",
      "bluegreen:blue": { release: "41", images: { api: "app@sha256:41" } },
      "bluegreen:green": { release: "42", images: { api: "app@sha256:42" } },
      "bluegreen:memoryMb": { api: 256 },
      "bluegreen:secrets": { STRIPE_KEY: { secure: "v1:new" } },
    });
    assert.match(text, /^# ours$/m);
    assert.equal(carryReleases(text, DEPLOYED, "bluegreen"), text);
  });

  it("bring what is their own; how the next one migrates is git's word, from the slot that git calls active", () => {
    const own = { kind: "contract", worksWith: ["40"] };
    const recorded = { ...own, command: ["old"], timeoutSeconds: 60 };
    const deployed = {
      commit: undefined,
      config: {
        "bluegreen:active": "green",
        "bluegreen:blue": { release: "41", images: { api: "app:41" }, commit: "41aaaaa", by: "Ann" },
        "bluegreen:green": { release: "42", images: { api: "app:42" }, migration: recorded, by: "Ann" },
      },
      secrets: [],
    };
    const migration = "{ kind: contract, worksWith: ['42'], command: [new], timeoutSeconds: 300 }";
    const file = `config:
  bluegreen:active: blue
  bluegreen:blue: { release: "1", images: { api: app:1 }, migration: ${migration} }
  bluegreen:green: { release: "2", images: { api: app:2 }, migration: { command: [other] } }
`;
    const text = carryReleases(file, deployed, "bluegreen");
    const settings = { command: ["new"], timeoutSeconds: 300 };
    assert.deepEqual(at(parse(text), "config"), {
      "bluegreen:active": "green",
      "bluegreen:blue": {
        ...{ release: "41", images: { api: "app:41" }, commit: "41aaaaa", by: "Ann" },
        migration: settings,
      },
      "bluegreen:green": {
        ...{ release: "42", images: { api: "app:42" }, by: "Ann" },
        migration: { ...settings, ...own },
      },
    });
    assert.equal(carryReleases(text, deployed, "bluegreen"), text);
    const without = carryReleases(FILE, deployed, "bluegreen");
    assert.equal(at(parse(without), "config", "bluegreen:green", "migration"), undefined);
  });

  it("go into the committed files, and leave nothing else different", () => {
    for (const stack of ["dev", "staging", "prod"]) {
      const file = readFileSync(`Pulumi.${stack}.yaml`, "utf8");
      const config = Object.fromEntries(Object.entries(at(parse(file), "config") ?? {}));
      assert.deepEqual(
        parse(carryReleases(file, { commit: undefined, config, secrets: [] }, "bluegreen")),
        parse(file),
        stack,
      );
    }
  });
});

describe("the whole of the last update", () => {
  const MERGED = `# ours
config:
  aws:region: eu-central-1 # where the machine is
  bluegreen:active: blue
  bluegreen:host: { kind: ec2, generation: 1 }
  bluegreen:retention: 9
  pulumi:disable-default-providers: [docker]
  bluegreen:secrets: { STRIPE_KEY: { secure: v1:new } }
  bluegreen:messages: { slack: { secure: v1:later } }
`;
  const host = { kind: "ec2", generation: 2 };
  const config = { ...DEPLOYED.config, "aws:region": "eu-central-1", "bluegreen:host": host };

  const whole = (file: string, more: object = {}, other = file) =>
    carryWhole(file, other, { ...DEPLOYED, config, ...more });

  it("takes the settings too as they were deployed; secrets are the file's, where there were some", () => {
    const text = whole(MERGED);
    assert.deepEqual(at(parse(text), "config"), {
      ...config,
      "pulumi:disable-default-providers": ["docker"],
      "bluegreen:secrets": { STRIPE_KEY: { secure: "v1:new" } },
    });
    assert.match(text, /^# ours$/m);
    assert.equal(whole(text), text);
    // Not even read where nothing is wanted of it.
    assert.equal(whole(MERGED, {}, "no: [yaml"), text);
  });

  it("takes a secret that the file has no more from the other one, where the same opens both", () => {
    const secrets = [...DEPLOYED.secrets, "bluegreen:registry"];
    const registry = { server: "ghcr.io", password: { secure: "v1:token" } };
    const before = `config:
  bluegreen:registry: { server: ghcr.io, password: { secure: v1:token } }
  bluegreen:secrets: { STRIPE_KEY: { secure: v1:old } }
`;
    for (const header of [
      "",
      "encryptionsalt: v1:salt\n",
      "secretsprovider: awskms://a\nencryptedkey: k\n",
    ]) {
      const carried = parse(whole(header + MERGED, { secrets }, header + before)) as unknown;
      assert.deepEqual(at(carried, "config", "bluegreen:registry"), registry);
      assert.deepEqual(at(carried, "config", "bluegreen:secrets"), { STRIPE_KEY: { secure: "v1:new" } });
    }
  });

  it("is not carried in part: a secret that no file has, or that another key opens, is named", () => {
    const secrets = [...DEPLOYED.secrets, "bluegreen:registry"];
    const before = "config: { bluegreen:registry: { password: { secure: v1:token } } }\n";
    for (const other of [
      MERGED,
      `encryptionsalt: v1:other\n${before}`,
      `secretsprovider: awskms://a\n${before}`,
      `encryptedkey: other\n${before}`,
    ])
      assert.throws(
        () => whole(MERGED, { secrets }, other),
        /^Error: bluegreen:registry: .*a secret.*pulumi config set --secret.*push/,
      );
  });
});
