import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { contactInput } from "../../../components/host/ec2/contact.ts";

const BOOT = "ecdsa-sha2-nistp256 AAAAboot";
const OWN = "ssh-ed25519 AAAAown";
const KEYS = ["ssh-ed25519 AAAAone a@example.com", "ssh-ed25519 AAAAtwo"];

/**
 * Stands for ssh and the machine behind it, whose host keys are the files `$MACHINE/<algorithm>`: it refuses like OpenSSH
 * where the known_hosts it is told of does not have the machine's key of the algorithm it is told to take.
 */
const FAKE_SSH = `#!/bin/sh
set -eu
file= algorithm= words=
for word; do
  case $word in
    UserKnownHostsFile=*) [ -n "$file" ] || file=\${word#*=} ;;
    HostKeyAlgorithms=*) [ -n "$algorithm" ] || algorithm=\${word#*=} ;;
  esac
  last=$word
done
if ! [ -e "$MACHINE/$algorithm" ] || ! grep -qxF "bluegreen-prod $(cat "$MACHINE/$algorithm")" "$file" 2>/dev/null; then
  echo "Host key verification failed." >&2
  exit 255
fi
echo "$algorithm $*" | sed 's/.*deploy@203.0.113.9 //' >>"$MACHINE/log"
case "$*" in
  *' show') cat >/dev/null; cat "$MACHINE/ssh-ed25519" ;;
  *' finish deploy') if [ -e "$MACHINE/breaks" ]; then rm "$MACHINE/breaks"; echo "Connection closed" >&2; exit 255; fi
    cat >"$MACHINE/finished"; rm -f "$MACHINE/ecdsa-sha2-nistp256" ;;
  *' true') if [ -e "$MACHINE/finished" ] && [ -e "$MACHINE/closes" ]; then rm "$MACHINE/closes"; echo "kex_exchange_identification: Connection closed by remote host" >&2; exit 255; fi ;;
  *bluegreen-ready*) cat "$MACHINE/state" ;;
  *'docker ps'*) head -n 1 "$MACHINE/containers"; sed -i 1d "$MACHINE/containers" ;;
  *'tail -n 20'*) echo "E: the mirror is gone" ;;
esac
`;

interface Machine {
  readonly folder: string;
  readonly knownHosts: string;
  set(file: string, content: string): void;
  read(file: string): string;
  has(file: string): boolean;
}

function contact(machine: Machine, seconds = 2) {
  return spawnSync(
    "sh",
    [
      "components/host/ec2/contact.sh",
      String(seconds),
      "bluegreen-prod",
      machine.knownHosts,
      "deploy@203.0.113.9",
      "i-0123",
      "t3.small",
      "20GB",
      "-o",
      `UserKnownHostsFile=${machine.knownHosts}`,
    ],
    {
      input: contactInput(BOOT, { user: "deploy", authorizedKeys: KEYS }),
      encoding: "utf8",
      env: { PATH: `${machine.folder}/bin:${process.env["PATH"] ?? ""}`, MACHINE: machine.folder },
    },
  );
}

describe("the first contact with an EC2 host", () => {
  let machine: Machine;

  beforeEach(() => {
    const folder = mkdtempSync(join(tmpdir(), "contact-"));
    const at = (file: string) => join(folder, file);
    machine = {
      folder,
      knownHosts: at("ssh/bluegreen-prod.known_hosts"),
      set: (file, content) => {
        writeFileSync(at(file), content);
      },
      read: (file) => readFileSync(at(file), "utf8"),
      has: (file) => existsSync(at(file)),
    };
    mkdirSync(at("bin"));
    mkdirSync(at("ssh"));
    machine.set("bin/ssh", FAKE_SSH);
    chmodSync(at("bin/ssh"), 0o755);
    machine.set("ecdsa-sha2-nistp256", `${BOOT}\n`);
    machine.set("ssh-ed25519", `${OWN}\n`);
    machine.set("state", "ready\n");
    machine.set("log", "");
    machine.set("containers", "");
  });
  afterEach(() => {
    rmSync(machine.folder, { recursive: true });
  });

  it("is checked against the boot key, learns the machine's own, and takes the boot key away", () => {
    const { status, stdout, stderr } = contact(machine);
    assert.equal(status, 0, stderr);
    assert.equal(stdout, `${OWN}\n`);
    assert.equal(machine.read("ssh/bluegreen-prod.known_hosts"), `bluegreen-prod ${OWN}\n`);
    assert.ok(!machine.has("ecdsa-sha2-nistp256"));
    assert.match(
      machine.read("finished"),
      /^AUTHORIZED='ssh-ed25519 AAAAone a@example.com\nssh-ed25519 AAAAtwo\n'\n#!\/bin\/sh/,
    );
  });

  it("goes on when a connection breaks at the last step", () => {
    machine.set("breaks", "");
    const { status, stdout, stderr } = contact(machine, 20);
    assert.equal(status, 0, stderr);
    assert.equal(stdout, `${OWN}\n`);
    assert.ok(machine.has("finished"));
  });

  it("goes on when sshd closes the first connection with the machine's own key", () => {
    machine.set("closes", "");
    const { status, stdout, stderr } = contact(machine, 20);
    assert.equal(status, 0, stderr);
    assert.equal(stdout, `${OWN}\n`);
    assert.ok(!machine.has("closes"), "it was met");
  });

  it("sends nothing to a machine that shows another key", () => {
    machine.set("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256 AAAAother\n");
    const { status, stdout, stderr } = contact(machine, 0);
    assert.equal(status, 1);
    assert.equal(stdout, "");
    assert.match(
      stderr,
      /i-0123: no checked SSH connection within 0 s; last word: Host key verification failed/,
    );
    assert.match(stderr, /aws ec2 get-console-output/);
    assert.equal(machine.read("log"), "");
  });

  it("can be repeated: with the own key known it needs no boot key, and changes nothing", () => {
    assert.equal(contact(machine).status, 0);
    const again = contact(machine);
    assert.equal(again.status, 0, again.stderr);
    assert.equal(again.stdout, `${OWN}\n`);
    assert.ok(!machine.read("log").includes("show\nshow"));
  });

  it("goes on where an interrupted one stopped, also on another deployer's machine", () => {
    // The key was asked for, and then the deployer's machine was switched off.
    machine.set("ssh/bluegreen-prod.known_hosts", `bluegreen-prod ${OWN}\n`);
    assert.equal(contact(machine).status, 0);
    assert.ok(!machine.has("ecdsa-sha2-nistp256"), "the boot key is still good");
    rmSync(machine.knownHosts);
    machine.set("ecdsa-sha2-nistp256", `${BOOT}\n`);
    assert.equal(contact(machine).stdout, `${OWN}\n`);
  });

  it("takes the new machine's key for the old one's, and leaves the bastion's alone", () => {
    machine.set(
      "ssh/bluegreen-prod.known_hosts",
      "bluegreen-prod ssh-ed25519 AAAAold\nbluegreen-prod-bastion ssh-ed25519 AAAAjump\n",
    );
    assert.equal(contact(machine).status, 0);
    assert.equal(
      machine.read("ssh/bluegreen-prod.known_hosts"),
      `bluegreen-prod-bastion ssh-ed25519 AAAAjump\nbluegreen-prod ${OWN}\n`,
    );
  });

  it("waits for the first boot no longer than it was told to, and says for what", () => {
    machine.set("state", "");
    const { status, stderr } = contact(machine, 1);
    assert.equal(status, 1);
    assert.match(stderr, /i-0123: the first boot did not end within 1 s/);
    assert.match(stderr, /host.generation one higher/);
    assert.ok(!machine.has("finished"));
  });

  it("goes on when the containers of the machine before are well again", () => {
    machine.set("containers", "gateway Up 2 seconds (health: starting)\ngateway Up 5 seconds (healthy)\n");
    const { status, stdout, stderr } = contact(machine, 30);
    assert.equal(status, 0, stderr);
    assert.equal(stdout, `${OWN}\n`);
    assert.equal(machine.read("containers"), "");
  });

  it("leaves it to the switch when they are not, and says so", () => {
    machine.set("containers", "gateway Up 9 seconds (unhealthy)\n".repeat(9));
    const { status, stderr } = contact(machine, 2);
    assert.equal(status, 0);
    assert.match(stderr, /i-0123: not well yet: gateway Up 9 seconds \(unhealthy\)/);
  });

  it("says where a first boot failed, with the end of its log", () => {
    machine.set("state", 'at "preparation", exit 100\n');
    const { status, stderr } = contact(machine);
    assert.equal(status, 1);
    assert.match(
      stderr,
      /the first boot failed at "preparation", exit 100; the end of its log:\nE: the mirror is gone/,
    );
    assert.match(
      stderr,
      /--target i-0123\) and run pulumi up again:\n +sudo \/var\/lib\/cloud\/\S+\/part-001\n/,
    );
    assert.match(stderr, /pulumi config set --path host\.generation 2\n/);
  });
});
