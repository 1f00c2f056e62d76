import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "../../support/process.ts";

const CONNECT = fileURLToPath(new URL("../../../components/host/ec2/connect.sh", import.meta.url));

/** The keys that a config can have, as `pulumi config get --stack S [--path] KEY` answers. */
const PULUMI = `#!/bin/sh
case "$*" in
  'config get --stack prod --path host.connect.kind') echo forwarded ;;
  'config get --stack prod aws:region') echo eu-central-1 ;;
  *) echo "error: configuration key not found: $*" >&2; exit 255 ;;
esac
`;
/** One machine; the session ends the script, which would look for the next machine otherwise. */
const AWS = `#!/bin/sh
case "$1 $2" in
  'ec2 describe-instances') echo i-0abc ;;
  'ssm start-session') echo "$*" >"$(dirname "$0")/session"; kill "$PPID" ;;
esac
`;

describe("npm run connect", () => {
  it("opens a way to the stack's machine with what its config says", async () => {
    const folder = await mkdtemp(path.join(os.tmpdir(), "connect-"));
    try {
      const tools = { pulumi: PULUMI, aws: AWS, "session-manager-plugin": "#!/bin/sh\n" };
      for (const [name, text] of Object.entries(tools))
        await writeFile(path.join(folder, name), text, { mode: 0o755 });
      const env = { ...process.env, PATH: `${folder}:${process.env["PATH"] ?? ""}` };
      const { output } = await run("sh", [CONNECT, "prod"], { env, timeoutMs: 60_000 });
      const session = await readFile(path.join(folder, "session"), "utf8").catch(() => output);
      assert.match(session, /--region eu-central-1 --target i-0abc .*portNumber=22,localPortNumber=2222/);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
