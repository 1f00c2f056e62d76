import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import os from "node:os";
import path from "node:path";

import { release } from "../support/images.ts";
import { docker, run, runOk } from "../support/process.ts";
import { Registry } from "../support/registry.ts";
import { assertAbsent, encrypted, newSecret } from "../support/secrets.ts";
import { Stack } from "../support/stack.ts";
import { newId, sharedConfig, nothingToDo } from "./shared.ts";

describe("a private registry", function () {
  this.timeout(900_000);
  const password = newSecret();
  let stack: Stack;
  let registry: Registry;

  async function credentials(value: string, { address } = registry) {
    const secret = await encrypted(stack, "registry", { password: value });
    assert.ok(typeof secret === "object" && secret !== null && "password" in secret);
    return { address, username: "deploy", password: secret["password"] ?? null };
  }

  before(async () => {
    const id = newId();
    const { images } = await release(id);
    registry = await Registry.serve(images.api, "deploy", password);
    stack = await Stack.create("registry", await sharedConfig());
    await stack.upOk();
  });
  after(async () => {
    await stack.remove();
    await registry.close();
    await runOk("docker", ["image", "rm", "--force", registry.reference]);
  });

  const pulled = async () => (await run("docker", ["image", "inspect", registry.reference])).code === 0;

  it("that is given the wrong password fails the release before anything is touched", async () => {
    const before = await docker("inspect", "--format", "{{.Id}}", stack.container("api-green"));
    const good = stack.config;
    stack.set({
      registry: await credentials("wrong"),
      green: { release: "90", images: { api: registry.reference } },
    });
    const up = await stack.up();
    assert.notEqual(up.code, 0);
    assert.match(up.output, /slot-green-image/);
    assert.equal(await docker("inspect", "--format", "{{.Id}}", stack.container("api-green")), before);
    assert.equal(await pulled(), false);
    stack.config = good;
  });

  it("that is given the right one has its image pulled by digest, and run", async () => {
    stack.set({
      registry: await credentials(password),
      green: { release: "91", images: { api: registry.reference } },
    });
    await stack.upOk();
    assert.equal(
      await docker("inspect", "--format", "{{.Config.Image}}", stack.container("api-green")),
      registry.reference,
    );
    const sent = registry.asked.filter(({ status }) => status === 200);
    // The layers are on this machine already: all that is left to ask for is what belongs to the digest.
    assert.ok(sent.some(({ path: asked }) => asked.includes("/manifests/sha256:")));
    assert.ok(
      registry.asked.some(({ status }) => status === 401),
      "without credentials nothing is sent",
    );
    await nothingToDo(stack);
  });

  it("leaves no credentials: not in the engine's or the user's files, nor in the stack's directory or state", async () => {
    const basic = Buffer.from(`deploy:${password}`).toString("base64");
    const values = [password, basic];
    const folders = [
      stack.hostDirectory,
      path.join(stack.folder, "state"),
      path.join(os.homedir(), ".docker"),
    ];
    for (const folder of folders) {
      const files = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
      for (const file of files.filter((one) => one.isFile())) {
        const text = await readFile(path.join(file.parentPath, file.name), "utf8");
        if (text !== "") assertAbsent(values, text, path.join(file.parentPath, file.name));
      }
    }
    const root = await docker("info", "--format", "{{.DockerRootDir}}");
    for (const folder of ["/etc/docker", `${root}/containers`, `${root}/image`]) {
      const forms = values.flatMap((value) => ["-e", value]);
      const { code, output } = await run("grep", ["-rlF", ...forms, folder]);
      assert.notEqual(code, 0, output);
    }
    const up = await stack.preview("--diff", "--show-config");
    assertAbsent(values, up.output, "pulumi preview");
  });

  it("has the gateway's image pulled with its credentials, too", async () => {
    const gateways = await Registry.serve("nginx:1.30", "deploy", password);
    const good = stack.config;
    try {
      const gateway = Object.fromEntries(Object.entries(stack.config["gateway"] ?? {}));
      stack.set({
        registry: await credentials(password, gateways),
        gateway: { ...gateway, image: gateways.reference },
      });
      await stack.upOk();
      const image = await docker("inspect", "--format", "{{.Config.Image}}", stack.container("gateway"));
      assert.equal(image, gateways.reference);
      stack.config = good;
      await stack.upOk();
    } finally {
      await gateways.close();
      await runOk("docker", ["image", "rm", "--force", gateways.reference]);
    }
  });

  it("keeps the image of a release that was live on the host, for the way back", async () => {
    for (const active of ["green", "blue"]) {
      stack.set({ active });
      await stack.upOk();
    }
    stack.set({ green: await release(newId()) });
    await stack.upOk();
    assert.equal(await pulled(), true);
  });
});
