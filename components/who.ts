import { userInfo } from "node:os";
import { runProgram } from "./host/process.ts";

/** What git says here; `undefined` where it does not know, or is not there. */
export async function git(...words: readonly string[]): Promise<string | undefined> {
  const { code, stdout } = await runProgram(["git", ...words], { timeoutMs: 5000 });
  return code === 0 && stdout.trim() !== "" ? stdout.trim() : undefined;
}

/** Who runs this, as the config and the ledger allow it: git's user.name, or who is logged in. May be empty. */
export async function whoRuns(): Promise<string> {
  const name = (await git("config", "user.name")) ?? userInfo().username;
  return name.replaceAll(/[\p{Cc}"\\]/gu, "").slice(0, 80);
}
