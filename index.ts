import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { loadSettings, readRecord } from "./components/config/load.ts";
import { namesOf } from "./components/config/names.ts";
import { Data } from "./components/data/data.ts";
import { postgresMajor } from "./components/data/postgres-version.ts";
import { Gateway } from "./components/gateway/gateway.ts";
import { gatewayFiles } from "./components/gateway/nginx.ts";
import { gatewaySettings, gatewaySpec, stackUrl } from "./components/gateway/spec.ts";
import { Switch } from "./components/gateway/switch.ts";
import { hashFiles } from "./components/host/observation.ts";
import { Host } from "./components/host/host.ts";
import { lookAtHost } from "./components/host/look.ts";
import { planSlots, specOf } from "./components/slot/plan.ts";
import { type StackRecord, summarize } from "./components/slot/record.ts";
import { beginSlot } from "./components/slot/spec.ts";
import { makeSlots } from "./components/slot/slot.ts";

const previous = await readRecord();
const settings = loadSettings(previous);
const id = { project: pulumi.getProject(), stack: pulumi.getStack() };
const names = namesOf(id);
const { directory, startInterval, repairs } = await lookAtHost(settings.host, id, previous);
const around = { settings, names, directory, startInterval };
const plans = planSlots(settings, previous, (color, release) => beginSlot(color, release, around));
const specs = { blue: specOf(plans.blue), green: specOf(plans.green) };

const host = new Host("host", { settings: settings.host, directory, repairs: repairs.scripts });
const network = new docker.Network(
  names.network,
  { name: names.network, labels: names.labelList() },
  { provider: host.provider, dependsOn: host.scripts, hooks: host.clearing("network", names.network) },
);
const data = new Data("data", { ...around, host, network });
const slots = makeSlots(plans, previous?.live, { host, after: [network, data, host.scripts] });
const files = gatewayFiles(gatewaySettings(settings, names));
const gateway = new Gateway("gateway", {
  host,
  network,
  files,
  spec: gatewaySpec(settings, names, directory, startInterval),
  repairs: repairs.gateway,
});
const flip = new Switch("switch", {
  host,
  settings,
  specs,
  publicUrl: stackUrl(settings),
  repairs: repairs.switch,
  after: [host, network, data, ...slots, gateway],
});

export const url = stackUrl(settings);
export const live = flip.report.live;
export const releases = summarize(specs);
/** What the last change of the live colour took; a run that only verified it leaves this as it was. */
export const lastFlip = flip.report.apply((report) =>
  report.flipped ? report : (previous?.lastFlip ?? report),
);
export const switchedAt = lastFlip.switchedAt;
// Nothing in it is secret: marked so, because the engine would print a screen of it at every `up`.
export const record = pulumi.secret(
  pulumi.all([flip.report, lastFlip]).apply(([report, last]): StackRecord => ({
    version: 1,
    live: report.live,
    canary: settings.canary,
    slots: { blue: specs.blue ?? null, green: specs.green ?? null },
    directory,
    lastFlip: last,
    startInterval,
    postgresMajor: postgresMajor(settings.postgres.image),
    conf: hashFiles(files),
    repairs,
  })),
);
