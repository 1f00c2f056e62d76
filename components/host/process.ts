import { spawn } from "node:child_process";

/** How a program on this machine ended. */
export interface Ended {
  /** `missing`: there is no such program here; `late`: stopped because it took too long. */
  readonly code: number | "missing" | "late";
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly input?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  /** The program leaves a part of itself behind, which may keep its streams: its own end is the end. */
  readonly leavesChild?: boolean;
}

/** A process that a signal ended has no code of its own. */
const SIGNALLED = 255;

/** Runs a program on this machine to its end, whatever that is. The stack's config is not in its environment. */
export async function runProgram(words: readonly string[], options: RunOptions): Promise<Ended> {
  const [file = "", ...args] = words;
  const { input = "", environment = {}, timeoutMs, leavesChild = false } = options;
  const env = { ...withoutConfig(process.env), ...environment };
  return await new Promise((resolve) => {
    const child = spawn(file, args, { stdio: "pipe", env });
    let [stdout, stderr, late] = ["", "", false];
    const leave = () => {
      child.stdout.destroy();
      child.stderr.destroy();
    };
    const timer = setTimeout(() => {
      late = true;
      child.kill("SIGKILL");
      // Whoever it handed its streams to may keep them: ssh does, to the process that holds the connection.
      leave();
    }, timeoutMs);
    const end = (code: Ended["code"]) => {
      clearTimeout(timer);
      resolve({ code: late ? "late" : code, stdout, stderr });
    };
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => (stdout += chunk));
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => (stderr += chunk));
    // It may end without reading what it was given.
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);
    child.on("error", () => {
      end("missing");
    });
    child.on("close", (code) => {
      end(code ?? SIGNALLED);
    });
    child.on("exit", (code) => {
      if (leavesChild && code === 0) leave();
    });
  });
}

/** The engine hands the program its config in the environment, every secret readable: that is for nobody else. */
function withoutConfig(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(environment).filter(([name]) => !name.startsWith("PULUMI_CONFIG")),
  );
}
