/** A resource as a program declares it, whoever looks: a test over the SDK's mocks, or a policy pack. */
export interface Declared {
  readonly type: string;
  readonly name: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly protect: boolean;
  readonly deleteBeforeReplace: boolean;
  /** The inputs that are marked as secret. */
  readonly secretInputs: readonly string[];
}

export interface Surroundings {
  /** The stack runs on a developer's own machine. */
  readonly isLocal: boolean;
}

export interface Rule {
  readonly name: string;
  /** What holds of every stack, in one sentence. */
  readonly says: string;
  /** What is wrong with this resource; `undefined` where nothing is. */
  check(resource: Declared, around: Surroundings): string | undefined;
}

const CONTAINER = "docker:index/container:Container";
const VOLUME = "docker:index/volume:Volume";
const COMMAND = /^command:(local|remote):Command$/;

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const texts = (value: unknown): readonly string[] => list(value).map(String);

/** A rule for containers alone. */
function ofContainers(
  name: string,
  says: string,
  check: (inputs: Declared["inputs"]) => string | undefined,
): Rule {
  return { name, says, check: ({ type, inputs }) => (type === CONTAINER ? check(inputs) : undefined) };
}

const SECRET_NAME = /pass(word|phrase)?$|secret$|token$|private_?key$|credentials?$|api_?key$/i;

/** The SDK sends a provider's lists and objects as JSON. */
function decoded(type: string, value: unknown): unknown {
  if (!type.startsWith("pulumi:providers:") || typeof value !== "string" || !/^[[{]/.test(value))
    return value;
  const parsed: unknown = JSON.parse(value);
  return parsed;
}

/** Names of plain values below an input that sound like a secret's. */
function plainSecrets(value: unknown, path: string): readonly string[] {
  if (Array.isArray(value)) return value.flatMap((one, i) => plainSecrets(one, `${path}[${i}]`));
  if (!isRecord(value)) return [];
  return Object.entries(value).flatMap(([key, one]) => {
    const at = path === "" ? key : `${path}.${key}`;
    return typeof one === "string" && one !== "" && SECRET_NAME.test(key) ? [at] : plainSecrets(one, at);
  });
}

/** The engine, the host's own folders, and what people keep their keys in. A stack's own files may lie in somebody's home. */
const SENSITIVE = [
  /docker\.sock$/,
  /^\/$/,
  /^\/(boot|dev|etc|lib|proc|sys|usr)(\/|$)/,
  /^\/(root|home)\/?$/,
  /\/\.(ssh|aws|docker|gnupg|kube|pulumi)(\/|$)/,
];

/** What holds of every stack of this project. Pure: a policy pack wraps them as they are. */
export const RULES: readonly Rule[] = [
  ofContainers(
    "not-privileged",
    "No container is privileged or adds a capability; each drops all.",
    (inputs) => {
      const capabilities = isRecord(inputs["capabilities"]) ? inputs["capabilities"] : {};
      if (inputs["privileged"] === true) return "is privileged";
      if (list(capabilities["adds"]).length > 0) return `adds ${texts(capabilities["adds"]).join(", ")}`;
      return texts(capabilities["drops"]).includes("ALL") ? undefined : "keeps capabilities";
    },
  ),
  ofContainers("no-new-privileges", "No process of a container gains privileges.", (inputs) =>
    texts(inputs["securityOpts"]).includes("no-new-privileges:true") ? undefined : "may gain privileges",
  ),
  ofContainers("not-root", "Every container runs as a user of its own, by number.", ({ user }) =>
    typeof user === "string" && /^[1-9]\d*:[1-9]\d*$/.test(user)
      ? undefined
      : `runs as ${JSON.stringify(user)}`,
  ),
  ofContainers("read-only", "No container writes to its own root.", ({ readOnly }) =>
    readOnly === true ? undefined : "may write to its root",
  ),
  ofContainers(
    "own-namespaces",
    "No container shares the host's network, processes, IPC or users.",
    (inputs) => {
      const shared = ["networkMode", "pidMode", "ipcMode", "usernsMode"].filter(
        (key) => inputs[key] === "host",
      );
      return shared.length === 0 ? undefined : `shares the host's ${shared.join(", ")}`;
    },
  ),
  ofContainers(
    "memory",
    "Every container has a memory limit, and no swap beyond it.",
    ({ memory, memorySwap }) =>
      typeof memory === "number" && memory > 0 && memorySwap === memory
        ? undefined
        : `memory ${JSON.stringify(memory)}, with swap ${JSON.stringify(memorySwap)}`,
  ),
  ofContainers("bounded-logs", "No container's log fills the disk.", ({ logOpts }) =>
    isRecord(logOpts) && logOpts["max-size"] !== undefined && logOpts["max-file"] !== undefined
      ? undefined
      : "has a log without an end",
  ),
  ofContainers("health", "Every container says whether it serves, and `up` waits for it.", (inputs) =>
    isRecord(inputs["healthcheck"]) && inputs["wait"] === true
      ? undefined
      : "has no health check that is waited for",
  ),
  ofContainers("grace", "No container is killed at once.", ({ destroyGraceSeconds }) =>
    typeof destroyGraceSeconds === "number" && destroyGraceSeconds > 0 ? undefined : "gets no time to stop",
  ),
  ofContainers(
    "no-engine-inside",
    "No container gets at the engine or at the host's own files.",
    ({ volumes }) => {
      const paths = list(volumes).map((volume) =>
        isRecord(volume) && typeof volume["hostPath"] === "string" ? volume["hostPath"] : "",
      );
      const bad = paths.find((path) => SENSITIVE.some((pattern) => pattern.test(path)));
      return bad === undefined ? undefined : `mounts ${bad}`;
    },
  ),
  {
    name: "one-door",
    says: "Only the gateway publishes a port.",
    check: ({ type, name, inputs }) =>
      type === CONTAINER && list(inputs["ports"]).length > 0 && !name.endsWith("-gateway")
        ? "publishes a port and is not the gateway"
        : undefined,
  },
  {
    name: "old-before-new",
    says: "A container is removed before its successor is made: both have one name.",
    check: ({ type, deleteBeforeReplace }) =>
      type === CONTAINER && !deleteBeforeReplace ? "has no deleteBeforeReplace" : undefined,
  },
  {
    name: "data-stays",
    says: "Volumes are protected, but on a developer's own machine.",
    check: ({ type, protect }, { isLocal }) =>
      type === VOLUME && !protect && !isLocal ? "is not protected" : undefined,
  },
  {
    name: "quiet-commands",
    says: "No command gets its last output back in its environment, where it can be too large to start.",
    check: ({ type, inputs }) =>
      COMMAND.test(type) && inputs["addPreviousOutputInEnv"] !== false
        ? "leaves addPreviousOutputInEnv on"
        : undefined,
  },
  {
    name: "secrets-marked",
    says: "Whatever is named like a secret is marked as one.",
    check: ({ type, inputs, secretInputs }) => {
      const plain = Object.entries(inputs)
        .filter(([key]) => !secretInputs.includes(key))
        .flatMap(([key, value]) => plainSecrets({ [key]: decoded(type, value) }, ""));
      return plain.length === 0 ? undefined : `${plain.join(", ")} is plain text`;
    },
  },
  ofContainers(
    "no-secret-variables",
    "Secrets reach a container as files, never as variables.",
    ({ envs }) => {
      const names = texts(envs).map((line) => line.slice(0, line.indexOf("=")));
      const bad = names.filter((name) => SECRET_NAME.test(name));
      return bad.length === 0 ? undefined : `has ${bad.join(", ")} in its environment`;
    },
  ),
];

export interface Violation {
  readonly rule: string;
  readonly resource: string;
  readonly problem: string;
}

/** The rules that one resource breaks, each with what is wrong. */
export function broken(
  resource: Declared,
  around: Surroundings,
): readonly { readonly rule: Rule; readonly problem: string }[] {
  return RULES.flatMap((rule) => {
    const problem = rule.check(resource, around);
    return problem === undefined ? [] : [{ rule, problem }];
  });
}

/** Everything that breaks a rule. */
export function violations(resources: readonly Declared[], around: Surroundings): readonly Violation[] {
  return resources.flatMap((resource) =>
    broken(resource, around).map(({ rule, problem }) => ({
      rule: rule.name,
      resource: resource.name,
      problem,
    })),
  );
}
