import { z } from "zod";

// The error text of each leaf is the "allowed" part of the report that problems.ts prints.
export const oneOf = <const T extends readonly [string, ...string[]]>(...values: T) =>
  z.enum(values, { error: values.map((value) => `"${value}"`).join(" or ") });

export const wholeNumber = (minimum: number, maximum: number, unit: string) => {
  const error = `a whole number of ${unit} from ${minimum} to ${maximum}`;
  return z.int({ error }).min(minimum, { error }).max(maximum, { error });
};

export const decimal = (minimum: number, maximum: number, unit: string) => {
  const error = `${unit} from ${minimum} to ${maximum}`;
  return z.number({ error }).min(minimum, { error }).max(maximum, { error });
};

export const text = (pattern: RegExp, error: string) => z.string({ error }).regex(pattern, { error });

export const object = <T extends z.ZodRawShape>(shape: T) => {
  const keys = Object.keys(shape).join(", ");
  return z.strictObject(shape, {
    error: ({ code }) => (code === "unrecognized_keys" ? keys : `an object with ${keys}`),
  });
};

export const image = text(
  /^[a-z0-9][\w.\-/:]*(@sha256:[0-9a-f]{64})?$/,
  "an image reference such as registry/app-api@sha256:…",
);
export const absolutePath = text(/^\/[\w@%+=:,./-]*$/, "an absolute path without spaces");
export const urlPath = text(/^\/[\w\-./~?&=%+,:;@!]*$/, "a path that begins with /");
export const words = z
  .array(z.string({ error: "a word" }), { error: "a list of words" })
  .min(1, { error: "a list of at least one word" });

/** Who did something, for the record. */
export const person = text(/^[^\p{Cc}"\\]{1,80}$/u, "a name of up to 80 characters without quotes");

export const kindOf = "an object whose kind is";
