import { writeFileSync } from "node:fs";
import { GOLDEN_STACKS, goldenFile, listStack } from "../support/golden.ts";

for (const stack of GOLDEN_STACKS) writeFileSync(goldenFile(stack), await listStack(stack));
