import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { parse, stringify } from "yaml";
import { type Delivery, deliverImages } from "../../delivery/image/deliver.ts";
import { tagged } from "../../delivery/image/reference.ts";
import { deliveriesOf } from "../../delivery/image/sample.ts";
import { at } from "../support/json.ts";
import { freePort } from "../support/ports.ts";
import { docker, run, runOk, until } from "../support/process.ts";

/** The stack's file that the workflow takes the checks from, or that with others. */
function stackFile(smoke?: readonly { readonly path: string; readonly status: number }[]): string {
  const text = readFileSync("Pulumi.prod.yaml", "utf8");
  if (smoke === undefined) return text;
  const web = at(parse(text), "config", "bluegreen:web");
  return stringify({ config: { "bluegreen:web": web, "bluegreen:switch": { smoke } } });
}

const commit = (digit: string) => digit.repeat(40);

describe("the images' way into the registry", function () {
  this.timeout(1_200_000);
  const registry = `bluegreen-test-registry-${process.pid}`;
  let address = "";
  const said: string[] = [];
  const made: string[] = [];

  before(async () => {
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
  });

  /** The sample's images as the workflow delivers them, with some of one part's changed. */
  const deliver = (digit: string, change: { readonly [part: string]: Partial<Delivery> } = {}) => {
    const to = { repository: address, commit: commit(digit), cacheTag: undefined };
    const images = deliveriesOf(stackFile(), to).map((one) => ({ ...one, ...change[one.part] }));
    made.push(...images.map(({ name }) => tagged(name)));
    said.length = 0;
    return deliverImages(images, (text) => said.push(text.replace(/[:,].*/, "")));
  };
  const isPushed = async (digit: string) =>
    await Promise.all(
      ["api", "web"].map(
        async (part) => (await fetch(`http://${address}/v2/${part}/manifests/${commit(digit)}`)).ok,
      ),
    );
  const leftovers = async () => {
    const name = `name=bluegreen-smoke-${process.pid}`;
    return `${await docker("ps", "--all", "--quiet", "--filter", name)}${await docker("network", "ls", "--quiet", "--filter", name)}`;
  };
  /** The image of the first test with lines of its own. */
  const changed = (part: string, lines: string) => ({
    [part]: {
      folder: async (_: string, scratch: string) => {
        await writeFile(
          path.join(scratch, "Dockerfile"),
          `FROM ${address}/${part}:${commit("a")}\n${lines}\n`,
        );
        return scratch;
      },
    },
  });
  async function refused(work: Promise<unknown>, digit: string, message: RegExp): Promise<void> {
    await assert.rejects(work, message);
    assert.deepEqual(await isPushed(digit), [false, false]);
    assert.equal(await leftovers(), "");
  }

  it("is: all built, tried as a release starts them, scanned, then pushed; their digests come out and can be pulled", async () => {
    const references = await deliver("a");
    assert.deepEqual(Object.keys(references), ["api", "web"]);
    assert.deepEqual(said, ["build", "smoke", "scan", "build", "smoke", "scan", "push", "push"]);
    assert.deepEqual(await isPushed("a"), [true, true]);
    const format = '{{index .Config.Labels "org.opencontainers.image.revision"}}';
    for (const [part, reference] of Object.entries(references)) {
      assert.match(reference, new RegExp(`^${address}/${part}@sha256:[0-9a-f]{64}$`));
      assert.equal(await docker("image", "inspect", "--format", format, reference), commit("a"));
      await runOk("docker", ["pull", "--quiet", reference]);
    }
    assert.equal(await leftovers(), "");
  });

  it("ends before any push for one that answers otherwise than the switch will ask, whichever it is", async () => {
    const smoke = [
      { path: "/health/nowhere", status: 200 },
      { path: "/assets/nowhere.js", status: 200 },
    ];
    const text = stackFile(smoke);
    const to = { repository: address, commit: commit("b"), cacheTag: undefined };
    const wrong = Object.fromEntries(
      deliveriesOf(text, to).map(({ part, smoke: ask }) => [part, { smoke: ask }]),
    );
    const both =
      /^Error: nothing was pushed: api: \/health\/nowhere answered 404, not 200; web: \/assets\/nowhere.js answered 404/;
    await refused(deliver("b", wrong), "b", both);
  });

  it("ends before any push for pages that a browser may keep", async () => {
    const kept = "RUN sed -i 's/no-cache/max-age=60/' /etc/nginx/nginx.conf";
    const web = changed("web", `USER 0\n${kept}\nUSER 101`);
    await refused(
      deliver("c", web),
      "c",
      /^Error: nothing was pushed: web: \/ has Cache-Control "max-age=60"/,
    );
  });

  it("ends before any push for pages that answer for an asset that is not there", async () => {
    const elsewhere = "RUN sed -i 's|location /assets/ {|location /nowhere/ {|' /etc/nginx/nginx.conf";
    const web = changed("web", `USER 0\n${elsewhere}\nUSER 101`);
    await refused(
      deliver("f", web),
      "f",
      /^Error: nothing was pushed: web: \/assets\/x-00000000\.js answered 200, not 404/,
    );
  });

  for (const [part, lines, digit] of [
    ["api", "ENV FAULT=exit", "d"],
    // The product's root is read-only, and its user no root.
    ["web", 'CMD ["sh", "-c", "touch /srv/web/x && exec /srv/start.sh"]', "e"],
  ] as const)
    it(`ends before any push for an image of ${part} that does not start, with its last lines`, async () => {
      await refused(deliver(digit, changed(part, lines)), digit, /did not get ready; its last lines:\n./);
    });
});
