import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { type Delivery, deliverImage } from "../../delivery/image/deliver.ts";
import { imageName, tagged } from "../../delivery/image/reference.ts";
import { freePort } from "../support/ports.ts";
import { docker, run, runOk, until } from "../support/process.ts";

const CHECK = {
  path: "/health",
  status: 200,
  json: { "services.database.status": "ok" },
  timeoutSeconds: 5,
};
const commit = (digit: string) => digit.repeat(40);

describe("an image's way into the registry", function () {
  this.timeout(300_000);
  const registry = `bluegreen-test-registry-${process.pid}`;
  let address = "";
  let folder = "";
  const said: string[] = [];
  const made: string[] = [];

  before(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), "image-"));
    const port = await freePort();
    address = `127.0.0.1:${port}`;
    const words = ["--env", "REGISTRY_HTTP_ADDR=0.0.0.0:5000", "--entrypoint", "docker-registry"];
    const config = "/etc/docker/registry/config.yml";
    await docker(
      "run",
      "--detach",
      "--name",
      registry,
      "--publish",
      `${address}:5000`,
      ...words,
      "bluegreen-machine:docker",
      "serve",
      config,
    );
    const up = () =>
      fetch(`http://${address}/v2/`).then(
        (answer) => answer.ok,
        () => false,
      );
    await until("the registry to answer", up);
  });
  after(async () => {
    await run("docker", ["rm", "--force", "--volumes", registry]);
    await run("docker", ["image", "rm", "--force", ...made]);
    await rm(folder, { recursive: true });
  });

  const deliver = (digit: string, change: Partial<Delivery> = {}): Promise<string> => {
    const name = imageName(`${address}/api`, commit(digit));
    made.push(tagged(name));
    return deliverImage({
      name,
      folder: path.resolve("sample/api"),
      cache: { kind: "engine" },
      migrate: ["python", "-m", "app.migrate"],
      checks: [CHECK],
      say: (text) => said.push(text.split(":")[0] ?? ""),
      ...change,
    });
  };
  const isPushed = async (digit: string) =>
    (await fetch(`http://${address}/v2/api/manifests/${commit(digit)}`)).ok;
  const leftovers = async () => {
    const name = `name=bluegreen-smoke-${process.pid}`;
    return `${await docker("ps", "--all", "--quiet", "--filter", name)}${await docker("network", "ls", "--quiet", "--filter", name)}`;
  };

  it("is: built, tried on an empty database, scanned, pushed; its digest comes out and can be pulled", async () => {
    const reference = await deliver("a");
    assert.match(reference, new RegExp(`^${address}/api@sha256:[0-9a-f]{64}$`));
    assert.deepEqual(said, ["build", "smoke", "scan", "push"]);
    assert.equal(await isPushed("a"), true);
    const format = '{{index .Config.Labels "org.opencontainers.image.revision"}}';
    assert.equal(await docker("image", "inspect", "--format", format, reference), commit("a"));
    await runOk("docker", ["pull", "--quiet", reference]);
    assert.equal(await leftovers(), "");
  });

  it("ends before the push for one that answers otherwise than the switch will ask", async () => {
    const checks = [CHECK, { path: "/nowhere", status: 200, json: {}, timeoutSeconds: 5 }];
    await assert.rejects(deliver("b", { checks }), /was not pushed: \/nowhere answered 404, not 200/);
    assert.equal(await isPushed("b"), false);
    assert.equal(await leftovers(), "");
  });

  it("ends before the push for one that does not start, with its last lines", async () => {
    const dockerfile = `FROM ${address}/api:${commit("a")}\nENV FAULT=exit\n`;
    await writeFile(path.join(folder, "Dockerfile"), dockerfile);
    await assert.rejects(deliver("c", { folder }), /did not get ready; its last lines:\n./);
    assert.equal(await isPushed("c"), false);
    assert.equal(await leftovers(), "");
  });
});
