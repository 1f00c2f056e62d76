import { STACKS } from "../branches.ts";
import type { LiveVerdict, StackPlan } from "./plan.ts";
import { isSound } from "./plan.ts";

/** In the comment, where nobody sees it: by this the next run finds the comment that it updates. */
export const MARKER = "<!-- bluegreen: preview -->";

/** GitHub takes no comment that is longer, in characters. */
const LONGEST = 65_536;
const MOST_STEPS = 100;

/** Text of a plan as it stands: no markup, no mention and no end of a code block may come out of it. */
function code(text: string): string {
  return `\`${text.replaceAll("`", "'").replaceAll(/\s+/g, " ").trim()}\``;
}

const cell = (text: string) => text.replaceAll("|", "\\|").replaceAll(/\s+/g, " ");

function liveLine(verdict: LiveVerdict): string {
  switch (verdict.kind) {
    case "first":
      return "nothing serves yet";
    case "untouched":
      return `no: ${verdict.live} goes on as it is`;
    case "switched":
      return verdict.to === verdict.live
        ? `no container of it: the switch runs again, ${verdict.live} stays live`
        : `no container of it: visitors move from ${verdict.live} to ${verdict.to}`;
    case "touched":
      return `**yes**: ${verdict.resources.map(code).join(", ")}`;
  }
}

function changesOf({ steps, same }: StackPlan): string {
  const counts = new Map<string, number>();
  for (const { op } of steps) counts.set(op, (counts.get(op) ?? 0) + 1);
  const said = [...counts].map(([op, count]) => `${count} ${op}`);
  return said.length === 0 ? `nothing (${same} same)` : `${said.join(", ")} (${same} same)`;
}

function details(plan: StackPlan, mostSteps: number): string {
  const shown = plan.steps.slice(0, mostSteps);
  const lines = shown.map(({ op, type, name, diffs }) => {
    const differs = diffs.length > 0 ? `: ${diffs.map(code).join(", ")}` : "";
    return `- ${op} ${type} ${code(name)}${differs}`;
  });
  const hidden = plan.steps.length - shown.length;
  if (hidden > 0) lines.push(`- and ${hidden} more`);
  const problems = [
    ...plan.errors.map((text) => `- error: ${code(text)}`),
    ...plan.policy.map((text) => `- policy: ${code(text)}`),
    ...plan.warnings.map((text) => `- warning: ${code(text)}`),
  ];
  const body = [...problems, ...lines].join("\n");
  if (body === "") return "";
  const open = isSound(plan) ? "" : " open";
  return `\n<details${open}><summary>${plan.stack}: ${cell(changesOf(plan))}</summary>\n\n${body}\n\n</details>\n`;
}

function row(plan: StackPlan): string {
  const verdict = isSound(plan) ? changesOf(plan) : `**refused**: ${changesOf(plan)}`;
  const rest = [liveLine(plan.live), code(plan.memory), code(plan.cost)];
  return `| ${[plan.stack, verdict, ...rest].map(cell).join(" | ")} |`;
}

function render(plans: readonly StackPlan[], commit: string, mostSteps: number): string {
  const rows = STACKS.map((stack) => {
    const plan = plans.find((one) => one.stack === stack);
    return plan === undefined ? `| ${stack} | **no plan**: the log of its job says why | | | |` : row(plan);
  });
  const known = STACKS.flatMap((stack) => plans.filter((one) => one.stack === stack));
  return [
    MARKER,
    `### What this would change, as of ${commit.slice(0, 12)}`,
    "",
    "| stack | changes | is the live colour touched? | memory | cost |",
    "|---|---|---|---|---|",
    ...rows,
    ...known.map((plan) => details(plan, mostSteps)),
    "",
  ].join("\n");
}

/** The whole comment, a row for each stack, with a plan or without; shortened where GitHub would not take it. */
export function renderComment(plans: readonly StackPlan[], commit: string): string {
  const text = render(plans, commit, MOST_STEPS);
  return text.length <= LONGEST ? text : render(plans, commit, 0).slice(0, LONGEST);
}
