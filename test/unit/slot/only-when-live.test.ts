import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { COLORS, type Color } from "../../../components/config/schema.ts";
import { until } from "../../support/process.ts";

const SCRIPT = fileURLToPath(new URL("../../../components/slot/only-when-live.sh", import.meta.url));

/** Says when it begins and when a TERM ends it; takes its time to end. */
const COMMAND = `trap 'sleep 0.3; echo "$0 ends" >>log; exit 0' TERM; echo "$0 begins" >>log; while :; do sleep 0.05; done`;

describe("only-when-live.sh, both colours side by side", () => {
  let folder: string;
  let started: ChildProcess[];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "only-when-live-"));
    started = [];
    writeFileSync(join(folder, "log"), "");
    for (const color of COLORS) mkdirSync(join(folder, color));
  });

  afterEach(() => {
    // With what it started: each is the leader of a group of its own.
    for (const { pid } of started) {
      try {
        process.kill(-(pid ?? 0), "SIGKILL");
      } catch {
        // It ended by itself.
      }
    }
    rmSync(folder, { recursive: true });
  });

  function start(color: Color, command: readonly string[] = ["sh", "-c", COMMAND, color]): ChildProcess {
    const child = spawn("sh", [SCRIPT, color, join(folder, "start"), folder, ...command], {
      cwd: folder,
      detached: true,
      stdio: "ignore",
      // The file of turns is each container's own.
      env: { ...process.env, TMPDIR: join(folder, color) },
    });
    started.push(child);
    return child;
  }

  function goLive(color: Color | "none"): void {
    writeFileSync(join(folder, "start.new"), `live ${color}\ncanary 0\nrelease.blue 1\nrelease.green 2\n`);
    renameSync(join(folder, "start.new"), join(folder, "start"));
  }

  const log = () => readFileSync(join(folder, "log"), "utf8").split("\n").filter(Boolean);
  /** What blue wrote at its last turn. */
  const turn = () => {
    const file = join(folder, "blue", "only-when-live");
    return existsSync(file) ? readFileSync(file, "utf8").trim() : "";
  };
  const last = async (line: string) => {
    await until(line, () => log().at(-1) === line);
  };

  it("runs the command in the live colour alone, through many flips", async () => {
    start("blue");
    start("green");
    for (let i = 0; i < 4; i++) {
      const color = i % 2 === 0 ? "blue" : "green";
      goLive(color);
      await last(`${color} begins`);
    }
    const turns = ["blue", "green", "blue", "green"].flatMap((color) => [`${color} begins`, `${color} ends`]);
    assert.deepEqual(log(), turns.slice(0, -1));
  });

  it("waits where nobody is live, and says so at each turn", async () => {
    start("blue");
    await until("a turn", () => turn().endsWith(" waiting"));
    const first = turn();
    await until("the next one", () => turn() !== first);
    goLive("none");
    assert.deepEqual(log(), []);
    goLive("blue");
    await until("its work", () => turn().endsWith(" running"));
    assert.ok(Math.abs(Number(turn().split(" ")[0]) - Date.now() / 1000) < 5);
  });

  it("does not begin while the other colour's command lives on, though its script was killed", async () => {
    goLive("blue");
    const blue = start("blue");
    start("green");
    await last("blue begins");
    blue.kill("SIGKILL");
    await once(blue, "exit");
    goLive("green");
    await new Promise((resolve) => setTimeout(resolve, 2500));
    assert.deepEqual(log(), ["blue begins"], "green began beside it");
    process.kill(-(blue.pid ?? 0), "SIGTERM");
    await last("green begins");
    assert.deepEqual(log(), ["blue begins", "blue ends", "green begins"]);
  });

  it("on TERM ends its command, waits for it, and ends well", async () => {
    goLive("blue");
    const blue = start("blue");
    await last("blue begins");
    blue.kill("SIGTERM");
    assert.deepEqual(await once(blue, "exit"), [0, null]);
    assert.deepEqual(log(), ["blue begins", "blue ends"]);
  });

  it("on TERM while it waits ends at once", async () => {
    const blue = start("blue");
    await until("a turn", () => turn().endsWith(" waiting"));
    blue.kill("SIGTERM");
    assert.deepEqual(await once(blue, "exit"), [0, null]);
  });

  for (const [code, expected] of [
    [3, 3],
    [0, 1],
  ] as const) {
    it(`ends with ${expected} when its command ends by itself with ${code}: Docker starts it again`, async () => {
      goLive("blue");
      const blue = start("blue", ["sh", "-c", `exit ${code}`]);
      assert.deepEqual(await once(blue, "exit"), [expected, null]);
    });
  }

  it("refuses to run nothing", async () => {
    assert.deepEqual(await once(start("blue", []), "exit"), [2, null]);
  });
});
