import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";

import { contactInput } from "../../components/host/ec2/contact.ts";
import { DATA_MOUNT, renderFirstBoot } from "../../components/host/ec2/first-boot.ts";
import { TestMachine } from "../support/machine.ts";
import { type Result, run, runOk } from "../support/process.ts";

const VOLUME = "vol-0123456789abcdef1";
const ALIAS = "bgtest-contact";
const CONTACT = readFileSync(new URL("../../components/host/ec2/contact.sh", import.meta.url), "utf8");

// A machine as it is bought plays the EC2 instance; what waits for it is what `pulumi up` runs.
describe("the first contact with an instance", function () {
  this.timeout(900_000);
  let machine: TestMachine;
  let folder: string;
  let input: string;
  let script: string;

  before(async () => {
    machine = await TestMachine.create("contact", { bare: true, volumes: { [VOLUME]: 2048 } });
    folder = await mkdtemp(path.join(os.tmpdir(), "bgtest-contact-"));
    await writeFile(knownHosts(), "");
    const bootKey = path.join(folder, "boot");
    await runOk("ssh-keygen", ["-q", "-t", "ecdsa", "-N", "", "-C", "boot", "-f", bootKey]);
    const words = async (file: string): Promise<string> =>
      (await readFile(file, "utf8")).split(" ").slice(0, 2).join(" ").trim();
    const authorizedKeys = [await words(`${machine.keyFile}.pub`)];
    input = contactInput(await words(`${bootKey}.pub`), { user: "deploy", authorizedKeys });
    script = renderFirstBoot({
      volumeId: VOLUME,
      user: "deploy",
      authorizedKeys,
      bootKey: await readFile(bootKey, "utf8"),
      directory: `${DATA_MOUNT}/bluegreen-contact`,
      metrics: { region: "eu-central-1", namespace: "test", stack: "contact" },
    });
  });
  after(async () => {
    await machine.remove();
    await rm(folder, { recursive: true, force: true });
  });

  const knownHosts = (): string => path.join(folder, "known_hosts");

  async function contact(seconds = 300): Promise<Result> {
    const options = {
      BatchMode: "yes",
      StrictHostKeyChecking: "yes",
      UserKnownHostsFile: knownHosts(),
      GlobalKnownHostsFile: "/dev/null",
      HostKeyAlias: ALIAS,
      UpdateHostKeys: "no",
      ConnectTimeout: "10",
      IdentitiesOnly: "yes",
      IdentityFile: machine.keyFile,
    };
    const words = Object.entries(options).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
    const about = ["i-0123456789abcdef0", "t3.small", "2GB"];
    const args = [
      String(seconds),
      ALIAS,
      knownHosts(),
      `deploy@${machine.address}`,
      ...about,
      "-F",
      "/dev/null",
    ];
    return await run("sh", ["-c", CONTACT, "contact", ...args, ...words, "-p", String(machine.port(22))], {
      input,
      timeoutMs: 400_000,
    });
  }

  it("waits for the machine while it boots, and learns the key that it made for itself", async () => {
    const [met, boot] = await Promise.all([contact(), machine.runUserData(script)]);
    const log = await machine.exec("cat", "/var/log/bluegreen-first-boot.log");
    assert.equal(boot.code, 0, log.output);
    assert.equal(met.code, 0, met.output);
    const key = (await machine.read("/etc/ssh/ssh_host_ed25519_key.pub")).split(" ").slice(0, 2).join(" ");
    assert.equal(met.stdout.trim(), key);
    assert.equal((await readFile(knownHosts(), "utf8")).trim(), `${ALIAS} ${key}`);
  });

  it("takes the key away that the machine was born with", async () => {
    assert.notEqual((await machine.exec("test", "-e", "/etc/ssh/ssh_host_ecdsa_key")).code, 0);
    const scan = await run("ssh-keyscan", ["-t", "ecdsa", "-p", String(machine.port(22)), machine.address]);
    assert.doesNotMatch(scan.stdout, /ecdsa/);
  });

  it("changes nothing when it is run again", async () => {
    const again = await contact();
    assert.equal(again.code, 0, again.output);
    assert.equal(
      (await machine.ssh(["true"], { user: "root" })).code,
      255,
      "the key of before is still there",
    );
  });
});
