import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import ts from "typescript";
import { z } from "zod";
import { runOk } from "../support/process.ts";

const property = z.object({
  $ref: z.string().optional(),
  get items() {
    return property.optional();
  },
  get additionalProperties() {
    return property.optional();
  },
});
type Property = z.infer<typeof property>;
const properties = z.record(z.string(), property);
const schemaShape = z.object({
  types: z.record(z.string(), z.object({ properties: properties.optional() })).default({}),
  resources: z.record(z.string(), z.object({ inputProperties: properties.default({}) })),
});
type Schema = z.infer<typeof schemaShape>;

export interface Compared {
  /** How many names both know. */
  readonly same: number;
  /** `Instance.rootBlockDevice.size: npm's types alone`, sorted. */
  readonly differences: readonly string[];
}

/** Holds the arguments that a plugin takes against those that npm's types let a program give it, nested ones too. */
export async function compareArguments(name: string, program: string): Promise<Compared> {
  const { stdout } = await runOk(program, ["-schema"]);
  const schema = schemaShape.parse(JSON.parse(stdout));
  const types = new SdkTypes(name);
  const differences: string[] = [];
  let same = 0;

  const compare = (
    where: string,
    taken: z.infer<typeof properties>,
    given: Members,
    on: readonly string[],
  ) => {
    for (const [key, spec] of Object.entries(taken)) {
      const argument = given.get(key);
      if (argument === undefined) {
        differences.push(`${where}.${key}: the plugin alone`);
        continue;
      }
      same++;
      const reference = referenceIn(spec);
      if (reference === undefined || on.includes(reference)) continue;
      const inner = argument.input === undefined ? undefined : types.input(argument.input);
      const below = typeOf(schema, reference);
      if (inner !== undefined && below !== undefined)
        compare(`${where}.${key}`, below, inner, [...on, reference]);
    }
    for (const key of given.keys())
      if (!(key in taken)) differences.push(`${where}.${key}: npm's types alone`);
  };

  for (const [token, { inputProperties }] of Object.entries(schema.resources)) {
    const [, module = "", resource = ""] = token.split(":");
    compare(resource, inputProperties, types.args(module, resource), []);
  }
  return { same, differences: differences.sort() };
}

/** The object type in a property, in a list of them or in a map. */
function referenceIn({ $ref, items, additionalProperties }: Property): string | undefined {
  if ($ref !== undefined) return $ref;
  const inner = items ?? additionalProperties;
  return inner === undefined ? undefined : referenceIn(inner);
}

const typeOf = ({ types }: Schema, reference: string) =>
  types[decodeURIComponent(reference.replace(/^#\/types\//, ""))]?.properties;

/** An argument's name, and the type of `types/input.d.ts` in it: `ec2.InstanceRootBlockDevice`. */
type Members = ReadonlyMap<string, { readonly input: string | undefined }>;

/** The declarations of an SDK on npm. */
class SdkTypes {
  readonly #folder: string;
  readonly #inputs = new Map<string, ts.InterfaceDeclaration>();

  constructor(name: string) {
    this.#folder = path.dirname(createRequire(import.meta.url).resolve(`@pulumi/${name}/package.json`));
    this.#collect(this.#parse("types/input.d.ts").statements, "");
  }

  #parse(file: string): ts.SourceFile {
    const text = readFileSync(path.join(this.#folder, file), "utf8");
    return ts.createSourceFile(file, text, ts.ScriptTarget.Latest);
  }

  #collect(statements: readonly ts.Statement[], prefix: string): void {
    for (const statement of statements) {
      if (ts.isInterfaceDeclaration(statement)) this.#inputs.set(prefix + statement.name.text, statement);
      if (
        ts.isModuleDeclaration(statement) &&
        statement.body !== undefined &&
        ts.isModuleBlock(statement.body)
      )
        this.#collect(statement.body.statements, `${prefix}${statement.name.text}.`);
    }
  }

  /** The arguments of a resource, by the module of its token: `ec2/instance`. */
  args(module: string, resource: string): Members {
    const file = this.#parse(`${module.replace(/^index\//, "")}.d.ts`);
    const args = file.statements
      .filter(ts.isInterfaceDeclaration)
      .find(({ name }) => name.text === `${resource}Args`);
    if (args === undefined) throw new Error(`${module} has no ${resource}Args`);
    return membersOf(args);
  }

  input(name: string): Members | undefined {
    const found = this.#inputs.get(name);
    return found && membersOf(found);
  }
}

function membersOf({ members }: ts.InterfaceDeclaration): Members {
  return new Map(
    members.filter(ts.isPropertySignature).map((member) => {
      const name = ts.isIdentifier(member.name) || ts.isStringLiteral(member.name) ? member.name.text : "";
      return [name, { input: member.type && inputIn(member.type) }];
    }),
  );
}

/** The first `inputs.…` that a type names. */
function inputIn(type: ts.Node): string | undefined {
  if (ts.isTypeReferenceNode(type)) {
    const words = entityName(type.typeName);
    if (words[0] === "inputs") return words.slice(1).join(".");
  }
  return ts.forEachChild(type, inputIn);
}

function entityName(name: ts.EntityName): readonly string[] {
  return ts.isIdentifier(name) ? [name.text] : [...entityName(name.left), name.right.text];
}
