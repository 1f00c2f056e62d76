import { type HostSettings, hostSchema } from "../components/config/host-schema.ts";
import { parseColor, parseLines } from "../components/host/observation.ts";
import { knownReach } from "../components/host/known-reach.ts";
import { type Asking, askHost } from "../components/host/run.ts";
import { type LedgerEntry, ledgerLine, parseLedger } from "../components/ledger/entry.ts";
import type { Color } from "../components/config/schema.ts";
import { messageOf } from "../components/message-of.ts";
import { type Stack, recordOf } from "./stack.ts";
import { parsedJson } from "../components/parsed-json.ts";
import { HostError, Refusal } from "./outcome.ts";

/** A host that is there, to be asked. */
export interface KnownHost {
  readonly directory: string;
  /**
   * See `askHost`: a command that is not said to be repeatable runs once, whatever becomes of the connection.
   * @throws HostError where it does not answer, or the command fails
   */
  readonly ask: (words: readonly string[], stdin?: string, asking?: Asking) => Promise<string>;
}

/** For what only reads. */
export const READ: Asking = { repeatable: true };

/** What of a stack tells where its host is. */
export type Reached = Pick<Stack, "config" | "project" | "name" | "record"> & {
  readonly engine: Pick<Stack["engine"], "getConfig">;
};

/** @throws Refusal where nothing was brought up yet, or it is not known how the host is reached */
export async function reachHost(stack: Reached): Promise<KnownHost> {
  const { project, name } = stack;
  const record = recordOf(stack);
  const settings = await hostSettings(stack);
  const asRefusal = (error: unknown): never => {
    throw new HostError(messageOf(error), name);
  };
  const reach = await knownReach(settings, { project, stack: name }, record.ec2).catch(asRefusal);
  if (reach === undefined) throw new Refusal("its machine is not known yet", `pulumi up --stack ${name}`);
  return {
    directory: record.directory,
    ask: (words, stdin, asking) => askHost(reach, words, stdin, asking).catch(asRefusal),
  };
}

async function hostSettings({ config, engine, project, name }: Reached): Promise<HostSettings> {
  const plain = hostSchema.safeParse(config.values["host"]);
  if (plain.success) return plain.data;
  // It holds a secret: the deployer's key.
  const value = await engine.getConfig(`${project}:host`).then(
    (held) => held.value,
    () => undefined,
  );
  const whole = hostSchema.safeParse(parsedJson(value ?? ""));
  if (whole.success) return whole.data;
  throw new Refusal(
    "bluegreen:host cannot be read",
    `pulumi preview --stack ${name}, which says what is wrong with it`,
  );
}

/** Where the gateway sends visitors, by its own word. */
export interface GatewayState {
  readonly live: Color | undefined;
  readonly canary: number;
  /** The Retry-After of maintenance in seconds; `undefined` while visitors are let in. */
  readonly maintenance?: number | undefined;
}

/** The words that ask the gateway over its control socket; with another method its refusal is an answer too. */
export const controlWords = (
  { directory }: KnownHost,
  path: string,
  method: "GET" | "PUT" | "DELETE" = "GET",
): readonly string[] => [
  ...["curl", "-q", "--noproxy", "*", "--silent", "--show-error", "--max-time", "5"],
  ...(method === "GET" ? ["--fail"] : ["--request", method]),
  ...["--unix-socket", `${directory}/gateway/run/control.sock`, `http://gateway${path}`],
];

/** `undefined` where no gateway answers. */
export async function gatewayState(host: KnownHost): Promise<GatewayState | undefined> {
  const text = await host.ask(controlWords(host, "/state"), "", READ).catch(() => undefined);
  if (text === undefined) return undefined;
  const lines = parseLines(text);
  const maintenance = lines.get("maintenance");
  return {
    live: parseColor(lines.get("live")),
    canary: Number(lines.get("canary") ?? 0),
    maintenance: maintenance === undefined ? undefined : Number(maintenance),
  };
}

/** Entries enough to say what was left in the middle. */
export const RECENT = 50;

/** The ledger, or its last `count` entries. */
export async function readLedger(host: KnownHost, count?: number): Promise<readonly LedgerEntry[]> {
  // Not by ledger.sh: a stack that an earlier version brought up has none before its next `up`.
  const script = '[ ! -f "$1/ledger" ] || tail -n "$2" "$1/ledger"';
  const from = count === undefined ? "+1" : String(count);
  return parseLedger(await host.ask(["sh", "-c", script, "sh", host.directory, from], "", READ));
}

export async function addEntry(host: KnownHost, entry: LedgerEntry): Promise<void> {
  await host.ask([`${host.directory}/bin/ledger.sh`, host.directory, "append"], ledgerLine(entry));
}
