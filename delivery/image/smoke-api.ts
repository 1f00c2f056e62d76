import { randomBytes } from "node:crypto";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { attempt } from "../../toolchain/setup/commands.ts";
import { IMAGES } from "../../toolchain/setup/versions.ts";
import type { ImageChecks } from "./checks.ts";
import { environment, hardened, inTrial, readyWhen } from "./trial.ts";

const DATABASE = ["DATABASE_HOST=postgres", "DATABASE_NAME=app", "DATABASE_USER=app", "REDIS_HOST=redis"];
const POSTGRES = [
  "POSTGRES_USER=app",
  "POSTGRES_DB=app",
  "POSTGRES_PASSWORD_FILE=/run/secrets/database_password",
];

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

/**
 * Starts an API's image as a release starts, hardened, on an empty database that it migrates itself, and asks what the switch
 * will ask.
 * @param migrate the words of the migration
 * @throws Error with the last lines of whatever did not start
 * @returns what is wrong with its answers
 */
export function smokeApi(
  image: string,
  migrate: readonly string[],
  { memoryMb, checks }: ImageChecks,
): Promise<readonly string[]> {
  return inTrial(async (trial) => {
    const mount = ["--volume", `${await writeSecrets(trial.folder)}:/run/secrets:ro`];
    const tmpfs = ["--tmpfs", "/var/lib/postgresql"];
    const postgres = await trial.start(
      "postgres",
      ...mount,
      ...tmpfs,
      ...environment(POSTGRES),
      IMAGES.postgres,
    );
    const server = ["redis-server", "/run/secrets/redis.conf"];
    const redis = await trial.start("redis", ...mount, IMAGES.redis, ...server);
    const ready = ["pg_isready", "--quiet", "--host", "127.0.0.1", "--username", "app"];
    const inside = async (container: string, words: readonly string[]) =>
      readyWhen((await attempt("docker", ["exec", container, ...words])).ok);
    await trial.until("postgres", postgres, () => inside(postgres, ready));
    const asked = ["sh", "-c", "redis-cli ping | grep -q NOAUTH"];
    await trial.until("redis", redis, () => inside(redis, asked));

    const around = [...mount, ...hardened(memoryMb), ...environment(DATABASE)];
    await trial.finish("migration", ...around, image, ...migrate);
    const app = await trial.start("app", ...around, ...environment(["COLOR=blue"]), image);
    const health = ["inspect", "--format", "{{.State.Health.Status}}", app];
    await trial.until(image, app, async () => {
      const status = (await attempt("docker", health)).stdout.trim();
      return status === "unhealthy" ? "never" : readyWhen(status === "healthy");
    });
    return trial.judge(app, checks);
  });
}
