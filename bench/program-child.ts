import { runProgram } from "../test/support/program.ts";

// One start of the program, for program-start.ts: says its largest resident set in kilobytes and ends.
const release = (id: string): string =>
  JSON.stringify({ release: id, images: { api: `bluegreen-sample-api:${id}` } });
await runProgram({
  stack: "dev",
  config: {
    active: "blue",
    blue: release("1"),
    green: release("2"),
    host: '{"kind":"local","engine":"SOCKET","directory":"/tmp/bench"}',
  },
});
process.send?.(process.resourceUsage().maxRSS, () => process.exit(0));
