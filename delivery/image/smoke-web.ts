import { type ReleaseChecks, judgeMissing, judgePage } from "./checks.ts";
import { environment, hardened, inTrial, readyWhen } from "./trial.ts";

/** What is a page whatever the stack's checks ask; kept by a browser, each would name assets of a release that is gone. */
const PAGES = ["/", "/index.html"];
/** What no build makes, with a name as the gateway knows assets by. */
const NO_ASSET = "/assets/x-00000000.js";
const PAGE_SECONDS = 5;

/**
 * Starts a web server's image as a release starts, hardened and with no data, asks what the switch will ask of it, for its
 * page, which no browser may keep, and for an asset that it does not have.
 * @throws Error with its last lines where it did not start
 * @returns what is wrong with its answers
 */
export function smokeWeb(
  image: string,
  { memoryMb, user, checks }: NonNullable<ReleaseChecks["web"]>,
): Promise<readonly string[]> {
  return inTrial(async (trial) => {
    const around = [...hardened(memoryMb), "--user", user, ...environment(["COLOR=blue", "RELEASE=smoke"])];
    const web = await trial.start("web", ...around, image);
    await trial.until(image, web, () =>
      trial.ask(web, "/", PAGE_SECONDS).then(
        () => readyWhen(true),
        () => readyWhen(false),
      ),
    );
    const pages = PAGES.map(async (path) => judgePage(path, await trial.ask(web, path, PAGE_SECONDS)));
    const missing = trial
      .ask(web, NO_ASSET, PAGE_SECONDS)
      .then(({ status }) => judgeMissing(NO_ASSET, status));
    const [wrong, ...others] = await Promise.all([trial.judge(web, checks), ...pages, missing]);
    return [...wrong, ...others.filter((problem) => problem !== undefined)];
  });
}
