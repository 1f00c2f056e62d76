import { writeFileSync } from "node:fs";

// Goes into the program's own process (node --import) and writes down, beside Pulumi.yaml, what that process took.
process.on("exit", () => {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  const used = { cpuSeconds: (userCPUTime + systemCPUTime) / 1e6, megabytes: maxRSS / 1024 };
  writeFileSync("program-probe.json", JSON.stringify(used));
});
