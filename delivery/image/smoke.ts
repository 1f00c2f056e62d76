import { randomBytes } from "node:crypto";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { messageOf } from "../../components/message-of.ts";
import { attempt, run, tail } from "../../toolchain/setup/commands.ts";
import { IMAGES } from "../../toolchain/setup/versions.ts";
import { type SmokeCheck, judgeAnswer } from "./checks.ts";

const PORT = 8000;
const START_LIMIT_MS = 90_000;
const ASK_EVERY_MS = 250;
const LOG_LINES = "20";

const docker = (...words: readonly string[]) => run("docker", words);

/** As every container of a stack runs: nothing to write to, no rights. */
const HARDENED = [
  "--read-only",
  "--tmpfs",
  "/tmp",
  "--cap-drop",
  "ALL",
  "--security-opt",
  "no-new-privileges:true",
];
const DATABASE = ["DATABASE_HOST=postgres", "DATABASE_NAME=app", "DATABASE_USER=app", "REDIS_HOST=redis"];
const environment = (lines: readonly string[]) => lines.flatMap((line) => ["--env", line]);

type Readiness = "ready" | "waiting" | "never";
const readyWhen = (holds: boolean): Readiness => (holds ? "ready" : "waiting");

async function until(what: string, container: string, look: () => Promise<Readiness>): Promise<void> {
  const limit = Date.now() + START_LIMIT_MS;
  for (;;) {
    const found = await look();
    if (found === "ready") return;
    const { stdout } = await attempt("docker", ["inspect", "--format", "{{.State.Running}}", container]);
    if (found === "never" || Date.now() > limit || stdout.trim() !== "true") break;
    await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));
  }
  const { output } = await attempt("docker", ["logs", "--tail", LOG_LINES, container]);
  throw new Error(`${what} did not get ready; its last lines:\n${tail(output, Number(LOG_LINES))}`);
}

/** Passwords for one run, as files: under a folder that only its owner enters, readable for the containers' users. */
async function writeSecrets(folder: string): Promise<string> {
  await chmod(folder, 0o700);
  const secrets = join(folder, "secrets");
  await mkdir(secrets);
  const [database, redis] = [randomBytes(16).toString("hex"), randomBytes(16).toString("hex")];
  await writeFile(join(secrets, "database_password"), database);
  await writeFile(join(secrets, "redis_password"), redis);
  await writeFile(join(secrets, "redis.conf"), `requirepass ${redis}\nsave ""\n`);
  return secrets;
}

async function ask(address: string, check: SmokeCheck): Promise<string | undefined> {
  try {
    const signal = AbortSignal.timeout(check.timeoutSeconds * 1000);
    const answer = await fetch(`http://${address}:${PORT}${check.path}`, { signal, redirect: "manual" });
    return judgeAnswer(check, answer.status, await answer.text());
  } catch (error) {
    return `${check.path} did not answer (${messageOf(error)})`;
  }
}

/**
 * Starts an image as a release starts, hardened, on an empty database that it migrates itself, and asks what the switch will
 * ask. Whatever the end, nothing of it is left.
 * @param migrate the words of the migration
 * @throws Error with the last lines of whatever did not start
 * @returns what is wrong with its answers
 */
export async function smokeTest(
  image: string,
  migrate: readonly string[],
  checks: readonly SmokeCheck[],
): Promise<readonly string[]> {
  const name = `bluegreen-smoke-${process.pid}`;
  const folder = await mkdtemp(join(tmpdir(), "bluegreen-smoke-"));
  const containers: string[] = [];
  const network = ["--network", name];
  const start = async (what: string, ...words: readonly string[]) => {
    const container = `${name}-${what}`;
    containers.push(container);
    await docker("run", "--detach", "--name", container, ...network, "--network-alias", what, ...words);
    return container;
  };
  try {
    const mount = ["--volume", `${await writeSecrets(folder)}:/run/secrets:ro`];
    await docker("network", "create", "--internal", name);
    const postgresEnv = [
      "POSTGRES_USER=app",
      "POSTGRES_DB=app",
      "POSTGRES_PASSWORD_FILE=/run/secrets/database_password",
    ];
    const tmpfs = ["--tmpfs", "/var/lib/postgresql"];
    const postgres = await start(
      "postgres",
      ...mount,
      ...tmpfs,
      ...environment(postgresEnv),
      IMAGES.postgres,
    );
    const redis = await start("redis", ...mount, IMAGES.redis, "redis-server", "/run/secrets/redis.conf");
    const ready = ["pg_isready", "--quiet", "--host", "127.0.0.1", "--username", "app"];
    const inside = async (container: string, words: readonly string[]) =>
      readyWhen((await attempt("docker", ["exec", container, ...words])).ok);
    await until("postgres", postgres, () => inside(postgres, ready));
    await until("redis", redis, () => inside(redis, ["sh", "-c", "redis-cli ping | grep -q NOAUTH"]));

    const around = [...mount, ...HARDENED, ...environment(DATABASE)];
    await docker("run", "--rm", "--name", `${name}-migration`, ...network, ...around, image, ...migrate);
    const app = await start("app", ...around, ...environment(["COLOR=blue"]), image);
    const health = ["inspect", "--format", "{{.State.Health.Status}}", app];
    await until(image, app, async () => {
      const status = (await attempt("docker", health)).stdout.trim();
      return status === "unhealthy" ? "never" : readyWhen(status === "healthy");
    });
    const format = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
    const address = (await docker("inspect", "--format", format, app)).trim();
    const answers = await Promise.all(checks.map((check) => ask(address, check)));
    return answers.filter((problem) => problem !== undefined);
  } finally {
    if (containers.length > 0) await attempt("docker", ["rm", "--force", "--volumes", ...containers]);
    await attempt("docker", ["network", "rm", name]);
    await rm(folder, { recursive: true });
  }
}
