import { PolicyPack, type ResourceValidationPolicy } from "@pulumi/policy";
import { PACKED, checkOf } from "./pack.ts";

const policies = PACKED.map((rule): ResourceValidationPolicy => {
  const check = checkOf(rule);
  return {
    name: rule.name,
    description: rule.says,
    enforcementLevel: "mandatory",
    validateResource: (resource, report) => {
      const problem = check(resource);
      if (problem !== undefined) report(problem);
    },
  };
});

// Serving begins with this, on a port that the engine reads from stdout.
new PolicyPack("bluegreen", { policies });
