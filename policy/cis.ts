import type { CisItem } from "./cis-item.ts";
import type { Inspected } from "./inspected.ts";

const unless = (holds: boolean, problem: string) => (holds ? undefined : problem);
const isGateway = ({ Name }: Inspected) => Name.endsWith("-gateway");

const SENSITIVE = ["/", "/boot", "/dev", "/etc", "/lib", "/proc", "/sys", "/usr"];

function sensitiveMount({ Mounts }: Inspected): string | undefined {
  const found = Mounts.find(
    ({ Type, Source }) =>
      Type === "bind" &&
      (SENSITIVE.includes(Source) || SENSITIVE.slice(1).some((folder) => Source.startsWith(`${folder}/`))),
  );
  return found && `${found.Source} of the host is mounted`;
}

/** CIS Docker Benchmark 1.6.0, 4.1 and section 5 (container runtime), in its order and in our words. */
export const CIS: readonly CisItem[] = [
  {
    id: "4.1",
    title: "a user of its own, not root",
    kind: "pass",
    check: ({ Config }) => unless(/^[1-9]\d*:[1-9]\d*$/.test(Config.User), `runs as "${Config.User}"`),
  },
  { id: "5.1", title: "no swarm mode", kind: "elsewhere", reason: "asked of the engine: it is in no swarm" },
  {
    id: "5.2",
    title: "an AppArmor profile",
    kind: "pass",
    check: ({ AppArmorProfile, HostConfig }) =>
      unless(
        AppArmorProfile !== "unconfined" && !HostConfig.SecurityOpt.some((option) => /apparmor/.test(option)),
        "AppArmor is turned off",
      ),
    note: "never turned off: where the host's kernel has AppArmor, the engine puts its own profile on",
  },
  {
    id: "5.3",
    title: "SELinux options",
    kind: "elsewhere",
    reason: "hosts are Debian or Ubuntu, which come with AppArmor instead",
  },
  {
    id: "5.4",
    title: "only the capabilities that are needed",
    kind: "pass",
    check: ({ HostConfig: { CapAdd, CapDrop } }) =>
      unless(
        CapDrop.includes("ALL") && CapAdd.length === 0,
        `drops ${CapDrop.join()}, adds ${CapAdd.join()}`,
      ),
    note: "none is left",
  },
  {
    id: "5.5",
    title: "not privileged",
    kind: "pass",
    check: ({ HostConfig }) => unless(!HostConfig.Privileged, "is privileged"),
  },
  { id: "5.6", title: "no sensitive folder of the host", kind: "pass", check: sensitiveMount },
  {
    id: "5.7",
    title: "no sshd inside",
    kind: "elsewhere",
    reason: "asked of the running processes: none is an sshd",
  },
  {
    id: "5.8",
    title: "no privileged port",
    kind: "pass",
    check: ({ HostConfig }) => {
      const found = HostConfig.PortBindings.find(
        ({ HostPort }) => Number(HostPort) < 1024 && !["80", "443"].includes(HostPort),
      );
      return found && `port ${found.HostPort} is published`;
    },
    note: "but 80 and 443, where visitors come in; inside, every process listens on a port above 1023",
  },
  {
    id: "5.9",
    title: "only the ports that are needed",
    kind: "pass",
    check: (container) =>
      unless(
        container.HostConfig.PortBindings.length === 0 || isGateway(container),
        "publishes a port and is not the gateway",
      ),
    note: "the gateway is the only container with a published port",
  },
  {
    id: "5.10",
    title: "not in the host's network",
    kind: "pass",
    check: ({ HostConfig }) => unless(HostConfig.NetworkMode !== "host", "shares the host's network"),
  },
  {
    id: "5.11",
    title: "a memory limit",
    kind: "pass",
    check: ({ HostConfig: { Memory, MemorySwap } }) =>
      unless(Memory > 0 && MemorySwap === Memory, `memory ${Memory}, with swap ${MemorySwap}`),
    note: "and no swap beyond it",
  },
  {
    id: "5.12",
    title: "a CPU priority",
    kind: "otherwise",
    reason:
      "all containers have the same share on purpose: a release that starts must not be starved by the one that serves, nor the other way round",
    check: ({ HostConfig }) => unless(HostConfig.CpuShares === 0, "has a share of its own"),
  },
  {
    id: "5.13",
    title: "a read-only root",
    kind: "pass",
    check: ({ HostConfig }) => unless(HostConfig.ReadonlyRootfs, "may write to its root"),
  },
  {
    id: "5.14",
    title: "ports bound to one interface",
    kind: "pass",
    check: ({ HostConfig }) => {
      const found = HostConfig.PortBindings.find(({ HostIp }) => HostIp === "" || HostIp === "0.0.0.0");
      return found && `port ${found.HostPort} is published on every address`;
    },
    note: "dev: loopback. On a server, whose address is another one, `gateway.address` says which, and the firewall who gets there",
  },
  {
    id: "5.15",
    title: "restart at most five times",
    kind: "otherwise",
    reason:
      "`unless-stopped`: after a reboot or a crash of the machine everything must come back by itself, however often; a release that does not start never becomes live",
    check: ({ HostConfig }) =>
      unless(HostConfig.RestartPolicy.Name === "unless-stopped", HostConfig.RestartPolicy.Name),
  },
  {
    id: "5.16",
    title: "process namespace not the host's",
    kind: "pass",
    check: ({ HostConfig }) => unless(HostConfig.PidMode === "", HostConfig.PidMode),
  },
  {
    id: "5.17",
    title: "IPC namespace not the host's",
    kind: "pass",
    check: ({ HostConfig }) => unless(HostConfig.IpcMode === "private", HostConfig.IpcMode),
  },
  {
    id: "5.18",
    title: "no devices of the host",
    kind: "pass",
    check: ({ HostConfig }) => unless(HostConfig.Devices.length === 0, "has devices"),
  },
  {
    id: "5.19",
    title: "ulimits overridden only where needed",
    kind: "pass",
    check: ({ HostConfig }) => unless(HostConfig.Ulimits.length === 0, "overrides ulimits"),
    note: "nowhere",
  },
  {
    id: "5.20",
    title: "mount propagation not shared",
    kind: "pass",
    check: ({ Mounts }) =>
      unless(!Mounts.some(({ Propagation }) => Propagation.includes("shared")), "shares its mounts"),
  },
  {
    id: "5.21",
    title: "UTS namespace not the host's",
    kind: "pass",
    check: ({ HostConfig }) => unless(HostConfig.UTSMode === "", HostConfig.UTSMode),
  },
  {
    id: "5.22",
    title: "the default seccomp profile",
    kind: "pass",
    check: ({ HostConfig }) =>
      unless(!HostConfig.SecurityOpt.some((option) => /seccomp/.test(option)), "another seccomp profile"),
  },
  {
    id: "5.23",
    title: "no privileged `docker exec`",
    kind: "elsewhere",
    reason: "asked of the host's scripts: none does",
  },
  {
    id: "5.24",
    title: "no `docker exec` as root",
    kind: "elsewhere",
    reason: "asked of the host's scripts: none does",
  },
  {
    id: "5.25",
    title: "the engine's own cgroup",
    kind: "pass",
    check: ({ HostConfig }) => unless(HostConfig.CgroupParent === "", HostConfig.CgroupParent),
  },
  {
    id: "5.26",
    title: "no new privileges",
    kind: "pass",
    check: ({ HostConfig }) =>
      unless(
        HostConfig.SecurityOpt.some((option) => /^no-new-privileges(:true)?$/.test(option)),
        "may gain privileges",
      ),
  },
  {
    id: "5.27",
    title: "a health check",
    kind: "pass",
    check: ({ Config }) => unless((Config.Healthcheck?.Test.length ?? 0) > 1, "has no health check"),
  },
  {
    id: "5.28",
    title: "always the latest image",
    kind: "otherwise",
    reason:
      "images are pinned, releases by digest: what was tested is what runs. A newer one is a release like any other",
  },
  {
    id: "5.29",
    title: "a limit on processes",
    kind: "otherwise",
    reason:
      "the provider (@pulumi/docker 5.2.0) has no input for it. Each process takes memory of its container's limit, which ends a fork bomb",
    check: ({ HostConfig }) => unless(HostConfig.Memory > 0, "no memory limit either"),
  },
  {
    id: "5.30",
    title: "not on the default bridge",
    kind: "pass",
    // What `NetworkMode` says is where the container was made; the provider then moves it to the stack's own network.
    check: ({ NetworkSettings }) =>
      unless(!Object.keys(NetworkSettings.Networks).includes("bridge"), "is on the default bridge"),
  },
  {
    id: "5.31",
    title: "user namespace not the host's by override",
    kind: "pass",
    check: ({ HostConfig }) => unless(HostConfig.UsernsMode === "", HostConfig.UsernsMode),
  },
  {
    id: "5.32",
    title: "no engine socket inside",
    kind: "pass",
    check: ({ Mounts }) =>
      unless(!Mounts.some(({ Source }) => Source.endsWith("docker.sock")), "has the engine's socket"),
  },
];
