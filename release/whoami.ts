import { userInfo } from "node:os";
import { runProgram } from "../components/host/process.ts";
import { Refusal } from "./outcome.ts";

async function git(...words: readonly string[]): Promise<string | undefined> {
  const { code, stdout } = await runProgram(["git", ...words], { timeoutMs: 5000 });
  return code === 0 && stdout.trim() !== "" ? stdout.trim() : undefined;
}

export function headCommit(): Promise<string | undefined> {
  return git("rev-parse", "HEAD");
}

export async function whoami(): Promise<string> {
  const name = (await git("config", "user.name")) ?? userInfo().username;
  // As the config allows it.
  const plain = name.replaceAll(/[\p{Cc}"\\]/gu, "").slice(0, 80);
  if (plain === "") throw new Refusal("nobody is named as who releases", "add --by NAME");
  return plain;
}
