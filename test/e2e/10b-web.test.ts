import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { type Browser, type Page, launch } from "puppeteer-core";

import { which } from "../../toolchain/setup/commands.ts";
import { API_PATHS, releaseWithPages } from "../support/pages.ts";
import { tagOf } from "../support/images.ts";
import { until } from "../support/process.ts";
import { Stack } from "../support/stack.ts";
import { itHere, newId, release, sharedConfig } from "./shared.ts";

describe("pages of their own, in a browser", function () {
  this.timeout(900_000);
  let stack: Stack | undefined;
  let browser: Browser | undefined;
  let profile: string;

  before(async () => {
    profile = await mkdtemp(path.join(os.tmpdir(), "e2e-browser-"));
  });

  after(async () => {
    await browser?.close();
    await stack?.remove();
    await rm(profile, { recursive: true, force: true });
  });

  itHere("a page goes on through release, flip and rollback: no error, nothing loaded anew", async () => {
    const made = await Stack.create("web", {
      ...(await sharedConfig()),
      blue: await releaseWithPages("1"),
      green: await releaseWithPages("2"),
      web: { apiPaths: API_PATHS },
    });
    stack = made;
    await made.upOk();
    browser = await launch({
      executablePath: (await which("chromium")) ?? "chromium",
      userDataDir: profile,
      // Whoever runs these tests is root in a container as likely as not.
      args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"],
    });

    const first = await open(browser, made.url);
    await first.says("Release 1", "it is live, on blue");
    await flip(made, "green");
    await first.says("release 2 is live now, on green");
    // A part of release 1 that was never asked for: blue has it, and green is live.
    await first.press("Jobs");
    await first.press("Enqueue ten");
    await first.says("10 jobs are enqueued");

    const second = await open(browser, made.url);
    await second.says("Release 2", "it is live, on green");
    await flip(made, "blue");
    await first.says("it is live, on blue");
    await second.says("release 1 is live now, on blue");
    // The same the other way: of a release that visitors were taken back from.
    await second.press("Jobs");
    await second.press("Count");
    await second.says("0 jobs are done");

    const next = newId();
    made.set({ green: await releaseWithPages(next), active: "green" });
    await made.upOk();
    for (const page of [first, second]) await page.says(`release ${next} is live now, on green`);
    await (await open(browser, made.url)).says(`Release ${next}`, "it is live, on green");
    // Of a release that brings an API alone: the pages stay, and know whose they are now.
    const [last, { images }] = [newId(), await release(newId())];
    const deploy = ["--image", `api=${images.api}`, "--release", last, "--yes"];
    const deployed = await made.bluegreen("deploy", ...deploy);
    assert.equal(deployed.code, 0, deployed.output);
    assert.match(deployed.output, new RegExp(`; web stays bluegreen-sample-web:${tagOf(next)}$`, "m"));
    await (
      await open(browser, made.url)
    ).says(`Release ${last}`, "it is live, on blue", `pages built for ${next}`);
    for (const page of [first, second]) {
      assert.deepEqual(page.problems, []);
      assert.equal(await page.untouched(), true, "the page was loaded anew");
    }
  });

  itHere(
    "its visitors are held, and shown the page of maintenance, on pages, assets and API alike",
    async () => {
      assert.ok(stack !== undefined);
      const { url } = stack;
      const paths = ["/", "/assets/none-00000000.js", "/version"];
      const asked = () => Promise.all(paths.map((one) => fetch(url + one)));
      const open = (await asked()).map(({ status }) => status);
      assert.deepEqual(open, [200, 404, 200]);
      const hold = await stack.startBluegreen("hold", "--for", "5s");
      await hold.printed(/requests wait in the gateway/);
      assert.deepEqual(
        (await asked()).map(({ status }) => status),
        open,
      );
      const held = await hold.done;
      // The browser's pages ask as well.
      const waited = Number(/^(\d+) requests waited/m.exec(held.stdout)?.[1]);
      assert.ok(waited >= paths.length, held.output);
      for (const [word, status] of [
        ["on", [503, 503, 503]],
        ["off", open],
      ] as const) {
        const turned = await stack.bluegreen("maintenance", word);
        assert.equal(turned.code, 0, turned.output);
        const answers = await asked();
        assert.deepEqual(
          answers.map((one) => one.status),
          status,
        );
        if (word === "on") assert.match(await (answers[0] ?? new Response()).text(), /Back soon/);
      }
    },
  );
});

async function flip(stack: Stack, active: "blue" | "green"): Promise<void> {
  stack.set({ active });
  await stack.upOk();
}

/** A page with all that goes wrong in it. */
async function open(browser: Browser, url: string) {
  const page: Page = await browser.newPage();
  const problems: string[] = [];
  page.on("console", (message) => {
    if (["error", "warn"].includes(message.type())) problems.push(message.text());
  });
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("requestfailed", (request) => problems.push(`${request.url()}: ${request.failure()?.errorText}`));
  page.on("response", (response) => {
    if (response.status() >= 400) problems.push(`${response.url()}: ${response.status()}`);
  });
  const answer = await page.goto(url);
  assert.equal(answer?.headers()["cache-control"], "no-cache");
  await page.evaluate("window.untouched = true");
  return {
    problems,
    untouched: async () => (await page.evaluate("window.untouched === true")) === true,
    says: async (...texts: readonly string[]) => {
      for (const text of texts)
        await until(`the page says "${text}"`, async () =>
          String(await page.evaluate("document.body.innerText")).includes(text),
        );
    },
    press: async (button: string) => {
      await page.locator(`::-p-text(${button})`).click();
    },
  };
}
