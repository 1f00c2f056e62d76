import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import * as pulumi from "@pulumi/pulumi";
import { prepareText } from "../../../components/host/preparation.ts";
import {
  LOST,
  type SshAccess,
  dockerUrl,
  engineArgs,
  knownHosts,
  sshCommand,
  sshInput,
  sshOptions,
  sshWords,
} from "../../../components/host/reach.ts";
import { HOST_KEYS } from "../../support/fixtures.ts";

const ID = { project: "bluegreen", stack: "staging" };
const ACCESS: SshAccess = { id: ID, user: "deploy", port: 2222, key: { kind: "agent" } };
const ADDRESS = "203.0.113.10";

/** The settings of `-o` words, in their order. */
function settings(words: readonly string[]): Record<string, string> {
  const pairs = words.flatMap((word, i) => (words[i - 1] === "-o" ? [word] : []));
  return Object.fromEntries(
    pairs.map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]),
  );
}

describe("the way to a host over SSH", () => {
  it("takes nothing of the deployer's own configuration and talks to no unknown host", () => {
    const options = sshOptions(ACCESS);
    assert.deepEqual(options.slice(0, 2), ["-F", "/dev/null"]);
    assert.deepEqual(settings(options), {
      BatchMode: "yes",
      StrictHostKeyChecking: "yes",
      UserKnownHostsFile: "~/.ssh/bluegreen/bluegreen-staging.known_hosts",
      GlobalKnownHostsFile: "/dev/null",
      HostKeyAlias: "bluegreen-staging",
      UpdateHostKeys: "no",
      ConnectTimeout: "10",
      ServerAliveInterval: "5",
      ServerAliveCountMax: "3",
      LogLevel: "ERROR",
      PreferredAuthentications: "publickey",
      IdentityFile: "none",
      ControlMaster: "no",
      ControlPath: "~/.ssh/bluegreen/2d049ed3-%C",
    });
  });

  it("is the same text on every deployer's machine", () => {
    const home = process.env["HOME"];
    const texts = ["/home/one", "/home/two"].map((folder) => {
      process.env["HOME"] = folder;
      return sshCommand(ACCESS, ADDRESS, ["true"]);
    });
    process.env["HOME"] = home;
    assert.equal(texts[0], texts[1]);
    assert.doesNotMatch(texts[0] ?? "", /\/home\/|\/root\//);
  });

  it("uses one key only, where one is named", () => {
    const identity = (key: SshAccess["key"]) => {
      const { IdentityFile, IdentitiesOnly } = settings(sshOptions({ ...ACCESS, key }));
      return [IdentityFile, IdentitiesOnly];
    };
    assert.deepEqual(identity({ kind: "file", path: "~/.ssh/deploy_key" }), ["~/.ssh/deploy_key", "yes"]);
    assert.deepEqual(identity({ kind: "secret" }), ["~/.ssh/bluegreen/bluegreen-staging.key", "yes"]);
    assert.deepEqual(identity({ kind: "agent" }), ["none", undefined]);
  });

  it("never shares a connection with another stack, whose config vouched for another host key", () => {
    const other = { ...ACCESS, id: { ...ID, stack: "prod" } };
    assert.notEqual(settings(sshOptions(other))["ControlPath"], settings(sshOptions(ACCESS))["ControlPath"]);
  });

  it("is understood by OpenSSH, options and all", () => {
    const through = { ...ACCESS, bastion: { address: "198.51.100.7", port: 22, user: "jump" } };
    for (const access of [ACCESS, through]) {
      const [ssh = "", ...words] = sshWords(access, ADDRESS);
      const read = execFileSync(ssh, ["-G", ...words], { encoding: "utf8" });
      for (const line of [
        "hostname 203.0.113.10",
        "port 2222",
        "user deploy",
        "hostkeyalias bluegreen-staging",
        "stricthostkeychecking true",
        "updatehostkeys false",
        "controlmaster false",
      ]) {
        assert.ok(read.split("\n").includes(line), `${line} is not in\n${read}`);
      }
    }
  });

  it("checks a bastion's host key too, against the stack's own file", () => {
    const bastion = { address: "198.51.100.7", port: 2200, user: "jump" };
    const command = settings(sshOptions({ ...ACCESS, bastion }))["ProxyCommand"] ?? "";
    for (const part of [
      "-F /dev/null",
      "StrictHostKeyChecking=yes",
      "'UserKnownHostsFile=~/.ssh/bluegreen/bluegreen-staging.known_hosts'",
      "HostKeyAlias=bluegreen-staging-bastion",
      "-p 2200 -W '[%h]:%p' jump@198.51.100.7",
    ]) {
      assert.ok(command.includes(part), `${part} is not in ${command}`);
    }
    assert.equal(
      knownHosts(ID, HOST_KEYS.rsa, HOST_KEYS.ecdsa),
      `bluegreen-staging ${HOST_KEYS.rsa}\nbluegreen-staging-bastion ${HOST_KEYS.ecdsa}\n`,
    );
  });

  it("writes one line for the host, without the key's comment", () => {
    assert.equal(
      knownHosts(ID, `${HOST_KEYS.ed25519} root@machine`),
      `bluegreen-staging ${HOST_KEYS.ed25519}\n`,
    );
  });

  it("gives the Docker provider the same options, and brackets around IPv6", async () => {
    const args = engineArgs({ kind: "ssh", access: ACCESS, address: ADDRESS });
    assert.deepEqual(args.sshOpts, sshOptions(ACCESS));
    const host = await new Promise((resolve) => pulumi.output(args.host).apply(resolve));
    assert.equal(host, "ssh://deploy@203.0.113.10:2222");
    assert.equal(dockerUrl(ACCESS, "2001:db8::1"), "ssh://deploy@[2001:db8::1]:2222");
    assert.deepEqual(engineArgs({ kind: "local", engine: "unix:///x.sock" }), { host: "unix:///x.sock" });
  });
});

/** Runs what would run on the machine: the last word that ssh is given, by a shell as sshd does. */
function onMachine(text: string, input: string): { code: number | null; stdout: string; stderr: string } {
  const script = `ssh() { for word in "$@"; do :; done; sh -c "$word"; }\n${text}`;
  const { status, stdout, stderr } = spawnSync("sh", ["-c", script], { input, encoding: "utf8" });
  return { code: status, stdout, stderr };
}

describe("a command over SSH", () => {
  const words = ["sh", "-c", 'printf "%s|" "$@"; cat', "it's", "a b", "$HOME", "-x", "`true`\nnext"];
  const text = sshCommand(ACCESS, ADDRESS, words);

  it("reaches the machine word by word, with its input as it was, last newline and all", () => {
    for (const input of [
      "",
      "one line",
      "two\nlines\n",
      "ends in newlines\n\n\n",
      "a line\n#end\nand more\n",
    ]) {
      const { code, stdout } = onMachine(text, sshInput(input));
      assert.equal(code, 0);
      assert.equal(stdout, `a b|$HOME|-x|\`true\`\nnext|${input}`);
    }
  });

  it("carries out nothing of an input that was cut off on its way", () => {
    const whole = sshInput("docker stop live\n");
    for (const length of [0, 1, 7, whole.length - 5, whole.length - 1]) {
      const { code, stdout, stderr } = onMachine(text, whole.slice(0, length));
      assert.deepEqual([code, stdout], [74, ""], `after ${length} characters`);
      assert.match(stderr, /cut off on its way: nothing was done/);
    }
  });

  it("ends as the command ended", () => {
    assert.equal(onMachine(sshCommand(ACCESS, ADDRESS, ["sh", "-c", "exit 7"]), sshInput("x")).code, 7);
  });

  it("says to whom sees it fail what a lost connection means, and changes nothing by it", () => {
    const told = `exec ${sshCommand(ACCESS, ADDRESS, ["sh", "-c", "exit 7"])} ${LOST}`;
    assert.match(told, /# exit status 255: the connection to the host was lost; .*run pulumi up again$/);
    assert.equal(onMachine(told.replace(/^exec /, ""), sshInput("x")).code, 7);
    assert.match(
      prepareText(ACCESS, ADDRESS, { directory: "/d", repairs: { host: 0 } }),
      /\|\| exit # exit status 255/,
    );
  });

  it("holds nothing of its input", () => {
    assert.ok(!text.includes("#secret"));
    assert.ok(sshInput("#secret").startsWith("#secret"));
  });
});

describe("the preparation of a host", () => {
  const args = { directory: "/var/lib/bluegreen/bluegreen-staging", repairs: { host: 0 } };

  it("becomes root by sudo, which asks nobody, and is root where the user is", () => {
    assert.match(
      prepareText(ACCESS, ADDRESS, args),
      /receive sudo -n sh -s -- --user deploy --directory \/var\/lib\/bluegreen\/bluegreen-staging repair=0/,
    );
    assert.match(
      prepareText({ ...ACCESS, user: "root" }, ADDRESS, { ...args, dataRoot: "/data" }),
      /receive sh -s -- --user root --directory \S+ --data-root \/data repair=0/,
    );
  });

  it("fails as the script fails, and only then leaves the open connection alone", () => {
    const calls =
      'ssh() { case "$*" in *"-O stop"*) echo stop >>"$LOG" ;; *-M*) echo open >>"$LOG" ;; *) return "$CODE" ;; esac; }';
    for (const [code, log] of [
      ["0", "stop\nopen\n"],
      ["3", ""],
    ] as const) {
      const script = `LOG=$(mktemp); ( ${calls}\n${prepareText(ACCESS, ADDRESS, args)} ); code=$?; cat "$LOG"; rm "$LOG"; exit $code`;
      const { status, stdout } = spawnSync("sh", ["-c", script], {
        env: { ...process.env, CODE: code },
        encoding: "utf8",
      });
      assert.deepEqual([String(status), stdout], [code, log]);
    }
  });
});
