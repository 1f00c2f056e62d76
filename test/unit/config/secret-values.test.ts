import assert from "node:assert/strict";
import { secretValues, withoutSecrets } from "../../../components/config/secret-values.ts";

describe("the secrets of a config", () => {
  it("are found where a secret may stand, and nowhere else", () => {
    const found = secretValues({
      active: "blue",
      host: { kind: "ssh", key: { kind: "secret", value: "KEY" } },
      registry: { address: "registry", username: "deploy", password: "hunter2" },
      secrets: { STRIPE_KEY: "sk_live", EMPTY: "" },
      messages: [
        { kind: "slack", url: "https://hooks/x" },
        { kind: "email", server: "smtp", login: { username: "deploy", password: "p" } },
      ],
    });
    assert.deepEqual([...found].sort(), ["KEY", "https://hooks/x", "hunter2", "p", "sk_live"].sort());
    assert.deepEqual(secretValues({}), []);
  });

  it("are not in a text that is sent", () => {
    assert.equal(withoutSecrets("a hunter2, hunter2", ["hunter2"]), "a [secret], [secret]");
  });
});
