import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import { type Fault, type ReleaseConfig, release, tagOf } from "./images.ts";
import { runOk } from "./process.ts";

/** One more Alembic revision than the sample has: Python statements of its `upgrade`, and of its `downgrade`. */
export interface Revision {
  readonly id: string;
  readonly up: readonly string[];
  readonly down?: readonly string[];
}

/** A statement of SQL as a line of a revision. */
export const sql = (statement: string): string => `op.execute(${JSON.stringify(statement)})`;

export interface Variant {
  /** In their order, behind the sample's own. */
  readonly revisions: readonly Revision[];
  /** A column of `items` that this release's code writes "new" into. */
  readonly writes?: string;
  readonly fault?: Fault;
}

const SAMPLES_LAST = "0003";
const items = new URL("../../sample/api/app/items.py", import.meta.url);

/** A release of the sample with revisions, and code, of a test's own: two small layers on top of release 1. */
export async function releaseWith(
  id: string,
  { revisions, writes, fault = "none" }: Variant,
): Promise<ReleaseConfig> {
  const base = await release("1");
  const image = `bluegreen-sample-api:${tagOf(id)}`;
  const folder = await mkdtemp(path.join(tmpdir(), "revisions-"));
  try {
    const versions = path.join(folder, "app/migrations/versions");
    await mkdir(versions, { recursive: true });
    for (const [index, one] of revisions.entries()) {
      const before = revisions[index - 1]?.id ?? SAMPLES_LAST;
      await writeFile(path.join(versions, `${one.id}.py`), source(one, before));
    }
    if (writes !== undefined)
      await writeFile(path.join(folder, "app/items.py"), await codeThatWrites(writes));
    // What was compiled is not checked against its source: the old one goes.
    const lines = [
      `FROM ${base.images.api}`,
      "USER 0",
      "COPY app /srv/app",
      ...(writes === undefined ? [] : ["RUN rm /opt/pycache/srv/app/items.*"]),
      "USER 10001:10001",
      `ENV FAULT=${fault} RELEASE=${id}`,
    ];
    await writeFile(path.join(folder, "Dockerfile"), `${lines.join("\n")}\n`);
    const options = { env: { ...process.env, DOCKER_BUILDKIT: "0" } };
    await runOk("docker", ["build", "--quiet", "--tag", image, folder], options);
  } finally {
    await rm(folder, { recursive: true });
  }
  return { ...base, release: id, images: { api: image } };
}

function source({ id, up, down = ["pass"] }: Revision, before: string): string {
  const body = (lines: readonly string[]): string => lines.map((line) => `    ${line}\n`).join("");
  return [
    "from alembic import op\n",
    `revision = "${id}"\ndown_revision = "${before}"\n\n`,
    `def upgrade():\n${body(up)}\n`,
    `def downgrade():\n${body(down)}`,
  ].join("\n");
}

async function codeThatWrites(column: string): Promise<string> {
  const text = await readFile(items, "utf8");
  const [columns, values] = ["(client_id, name, note)", "VALUES (%s, %s, %s)"];
  if (!text.includes(`INSERT INTO items ${columns} ${values}`))
    throw new Error("items.py inserts in another way");
  return text.replace(
    `INSERT INTO items ${columns} ${values}`,
    `INSERT INTO items (client_id, name, note, ${column}) VALUES (%s, %s, %s, 'new')`,
  );
}
