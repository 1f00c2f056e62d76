import assert from "node:assert/strict";
import { explainFailure } from "../../../components/host/ssh-failure.ts";
import type { SshAccess } from "../../../components/host/reach.ts";

const ID = { project: "bluegreen", stack: "staging" };
const ACCESS: SshAccess = { id: ID, user: "deploy", port: 22, key: { kind: "agent" } };

describe("why a host is not reached", () => {
  const CASES: readonly [string, number | "missing" | "late", string, RegExp][] = [
    ["a missing ssh", "missing", "", /no `ssh`.*apt-get install openssh-client/],
    [
      "another host key of the same type",
      255,
      "@@@@\n@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nThe fingerprint for the ED25519 key sent by the remote host is\nSHA256:abc+/123.\nHost key verification failed.\n",
      /not the one this stack knows: its host key \(SHA256:abc\+\/123\) is not host.hostKey; nothing was sent.*config set --stack staging --path 'host.hostKey'/,
    ],
    [
      "a host without a key of that type",
      255,
      "No RSA host key is known for bluegreen-staging and you have requested strict checking.\nHost key verification failed.\n",
      /not the one this stack knows/,
    ],
    [
      "a refused key",
      255,
      "deploy@203.0.113.10: Permission denied (publickey).\n",
      /203.0.113.10 refuses deploy with the keys of this machine's SSH agent; put its public half into ~deploy\/.ssh\/authorized_keys/,
    ],
    [
      "an address that nobody listens at",
      255,
      "ssh: connect to host 203.0.113.10 port 22: Connection refused\n",
      /no SSH connection to 203.0.113.10 port 22 \(.*Connection refused\).*--path 'host.address'/,
    ],
    ["a host that says nothing", "late", "", /no answer in time/],
    [
      "an unknown name",
      255,
      "ssh: Could not resolve hostname nowhere: Name or service not known\n",
      /Could not resolve hostname/,
    ],
  ];
  for (const [what, code, stderr, expected] of CASES) {
    it(`${what}: one sentence with what to do`, () => {
      const text = explainFailure({ code, stdout: "", stderr }, ACCESS, "203.0.113.10");
      assert.match(text, expected);
      assert.ok(!text.includes("\n"), text);
    });
  }

  it("says what is wrong with a key's file itself", () => {
    const access: SshAccess = { ...ACCESS, key: { kind: "file", path: "~/.ssh/key" } };
    const stderr = 'Load key "/root/.ssh/key": bad permissions\nPermission denied (publickey).\n';
    const text = explainFailure({ code: 255, stdout: "", stderr }, access, "h");
    assert.match(text, /the key ~\/.ssh\/key \(Load key .*bad permissions\)/);
  });

  describe("of a machine in AWS names keys that its config has", () => {
    const FAILED = {
      key: "Host key verification failed.\n",
      login: "deploy@127.0.0.1: Permission denied (publickey).\n",
      way: "ssh: connect to host 127.0.0.1 port 2222: Connection refused\n",
    };
    const said = (failure: keyof typeof FAILED, connect: NonNullable<SshAccess["rented"]>["connect"]) => {
      const bastion = { address: "203.0.113.9", port: 22, user: "deploy" };
      const rented = { rented: { connect, generation: 3 }, ...(connect === "bastion" && { bastion }) };
      const ended = { code: 255, stdout: "", stderr: FAILED[failure] };
      return explainFailure(ended, { ...ACCESS, ...rented }, "127.0.0.1");
    };
    const GENERATION = /pulumi config set --stack staging --path 'host.generation' '4'/;

    it("whatever the way and the failure: none of a server's own, and how to make it anew", () => {
      for (const connect of ["public", "private", "forwarded", "bastion"] as const) {
        for (const failure of ["key", "login", "way"] as const) {
          const text = said(failure, connect);
          assert.doesNotMatch(text, /host\.(hostKey|address|bastion|user)\b|\n/);
          assert.match(text, GENERATION);
        }
      }
    });

    it("a forwarded port: the command that forwards it", () => {
      assert.match(said("way", "forwarded"), /is the port forwarded\?.* npm run connect -- staging/);
      assert.match(
        said("key", "forwarded"),
        /nothing was sent\..*npm run connect -- staging.*host\.connect\.port/,
      );
    });

    it("a bastion: its own key", () => {
      assert.match(said("key", "bastion"), /host\.connect\.hostKey/);
    });

    it("an open range: who is in it", () => {
      assert.match(said("way", "public"), /host\.access\.cidrs/);
    });

    it("a refused key: where its public half has to be", () => {
      assert.match(said("login", "forwarded"), /host\.authorizedKeys.*--path 'host\.key\.kind' 'agent'/);
    });
  });
});
