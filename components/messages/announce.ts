import * as pulumi from "@pulumi/pulumi";
import type { Channel } from "../config/messages-schema.ts";
import type { Color } from "../config/schema.ts";
import { withoutSecrets } from "../config/secret-values.ts";
import type { Reach } from "../host/reach.ts";
import { askHost } from "../host/run.ts";
import { ledgerLine } from "../ledger/entry.ts";
import { whoRuns } from "../who.ts";
import type { Message } from "./message.ts";
import { type Missed, missedEntry } from "./tell.ts";
import { openTeller } from "./teller.ts";
import type { UpdateNews } from "./update-news.ts";

export interface AnnounceArgs {
  readonly id: Pick<Message, "project" | "stack">;
  readonly channels: readonly Channel[];
  readonly news: UpdateNews;
  /** The colour that serves whatever fails before the switch. */
  readonly live: Color | undefined;
  /** Whose ledger gets a line for what was not delivered; `undefined` before the first update. */
  readonly ledger: { readonly reach: Reach; readonly directory: string } | undefined;
  /** What a failure's text may not hold. */
  readonly secrets: readonly string[];
}

/**
 * Tells the channels of an update that nobody else tells of: `pulumi up` by hand or in CI. To be called before the first resource
 * that may fail; what it returns belongs to the switch, whose end is the update's. Nothing of it fails the update, holds it up for
 * more than 11 s, or stands in a resource; a preview says nothing.
 */
export function announce({
  channels,
  news,
  live,
  ledger,
  secrets,
  id,
}: AnnounceArgs): pulumi.ResourceHookBinding {
  if (channels.length === 0 || pulumi.runtime.isDryRun() || isToldByCommand()) return {};
  const teller = openTeller({
    ...{ id, channels, secrets, about: news, by: whoRuns(), warn: (text) => pulumi.log.warn(text) },
    record: (missed) => record(ledger, missed),
  });
  if (news.begins) teller.tell({ event: "started" });
  const failing = (hook: string, serves: string | undefined) =>
    new pulumi.ErrorHook(hook, async ({ name, errors: [error = "failed"] }) => {
      const reason = failureReason(name, withoutSecrets(error, secrets), serves);
      await teller.end({ event: "failed", reason });
      return false;
    });
  const failed = failing("tell-failed", live);
  pulumi.runtime.registerStackTransformation(({ resource, props, opts }) =>
    // Its own mark, which isInstance looks for, it gets only afterwards.
    resource instanceof pulumi.CustomResource && opts.hooks?.onError === undefined
      ? { props, opts: { ...opts, hooks: { ...opts.hooks, onError: [failed] } } }
      : undefined,
  );
  const switched = new pulumi.ResourceHook("tell-switched", () => teller.end(news.ends), {
    ignoreErrors: true,
  });
  // It says itself which colour serves then.
  const onError = [failing("tell-switch-failed", undefined)];
  return { afterCreate: [switched], afterUpdate: [switched], onError };
}

/** What a person reads of it: the resource, the error without the empty lines that providers put in, and who serves. */
export function failureReason(name: string, error: string, serves: string | undefined): string {
  const said = error.replaceAll(/\s*\n\s*/g, "\n").trim();
  return `${name}: ${said}${serves === undefined ? "" : `\n${serves} serves`}`;
}

/** A command of `bluegreen` that runs the engine tells of the update itself. */
function isToldByCommand(): boolean {
  return process.env["BLUEGREEN_COMMAND_TELLS"] === "1";
}

async function record(ledger: AnnounceArgs["ledger"], missed: Missed): Promise<void> {
  if (ledger === undefined) return;
  const { reach, directory } = ledger;
  const words = [`${directory}/bin/ledger.sh`, directory, "append"];
  await askHost(reach, words, ledgerLine(missedEntry(missed))).catch(() => undefined);
}
