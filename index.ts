import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import {
  loadSettings,
  readRecord,
  refuseContracted,
  refuseWatched,
  refuseWithoutRoom,
} from "./components/config/load.ts";
import { reportBudget, tellBudget } from "./components/config/budget.ts";
import { secretValues } from "./components/config/secret-values.ts";
import { awsRegion } from "./components/config/region.ts";
import { namesOf } from "./components/config/names.ts";
import { Data } from "./components/data/data.ts";
import { postgresMajor } from "./components/data/postgres-version.ts";
import { lookAtEdge, makeEdge } from "./components/edge/edge.ts";
import { retireLogins } from "./components/data/logins.ts";
import { findSecretSet } from "./components/data/secret-set.ts";
import { Gateway } from "./components/gateway/gateway.ts";
import { gatewayFiles } from "./components/gateway/nginx.ts";
import { askedUrl, gatewaySettings, gatewaySpec, stackUrl } from "./components/gateway/spec.ts";
import { Switch } from "./components/gateway/switch/switch.ts";
import { hashFiles } from "./components/host/observation.ts";
import { Host } from "./components/host/host.ts";
import { lookAtHost } from "./components/host/look.ts";
import { refuseFullDisk } from "./components/host/ssh-look.ts";
import { describeRecent, extendRecent } from "./components/ledger/recent.ts";
import { keptImages } from "./components/ledger/retention.ts";
import { rentMachine } from "./components/host/rented.ts";
import { announce } from "./components/messages/announce.ts";
import { updateNews } from "./components/messages/update-news.ts";
import { useNativeStacks } from "./components/native-stacks.ts";
import { contractAfter } from "./components/slot/contract.ts";
import { beginsRelease, planSlots, specOf } from "./components/slot/plan.ts";
import { type StackRecord, secretsOf, summarize } from "./components/slot/record.ts";
import { beginSlot } from "./components/slot/spec.ts";
import { makeSlots } from "./components/slot/slot.ts";
import { enforceRules } from "./policy/enforce.ts";

useNativeStacks();
const previous = await readRecord();
const settings = loadSettings(previous);
enforceRules({ isLocal: settings.host.kind === "local" });
const id = { project: pulumi.getProject(), stack: pulumi.getStack() };
const names = namesOf(id);
const [{ reach, directory, memoryMb, diskFreeMb, engine, startInterval, repairs, watch, contracts }, zone] =
  await Promise.all([lookAtHost(settings.host, id, previous), lookAtEdge(settings.edge, id, previous?.zone)]);
refuseWithoutRoom(settings, memoryMb);
refuseWatched(settings, previous, watch);
refuseContracted(settings, previous, contracts);
const budget = reportBudget(settings, memoryMb, awsRegion());
const begins = beginsRelease(settings, previous);
if (begins) refuseFullDisk(diskFreeMb);
const secretSet = begins ? await findSecretSet(settings, directory, reach) : 0;
const around = { settings, names, directory, startInterval, secretSet };
const contract = contractAfter(settings, previous, contracts);
const plans = planSlots(settings, previous, (color, release) => beginSlot(color, release, around));
const specs = { blue: specOf(plans.blue), green: specOf(plans.green) };
const reading = [specs.blue, specs.green].flatMap((spec) => (spec === undefined ? [] : secretsOf(spec)));
const told = announce({
  id,
  channels: settings.messages,
  news: updateNews(settings, plans, previous),
  live: previous?.live,
  ledger: previous && { reach, directory },
  secrets: secretValues(settings),
});

const rented = await rentMachine(settings, id, directory, previous?.ec2);
const host = new Host("host", {
  reach,
  registry: settings.registry,
  directory,
  engine,
  repairs,
  ...rented?.host,
});
const network = new docker.Network(
  names.network,
  { name: names.network, labels: names.labelList() },
  { provider: host.provider, dependsOn: host.scripts, hooks: host.clearing("network", names.network) },
);
const data = new Data("data", { ...around, host, network, releases: reading });
const slots = makeSlots(plans, previous, {
  host,
  after: [network, data, host.scripts],
  secrets: settings.secrets,
});
const retired = retireLogins({ host, settings, names, releases: reading }, { dependsOn: [...slots] });
const files = gatewayFiles(gatewaySettings(settings, names, specs));
const gatewayImage = new docker.RemoteImage(
  "gateway-image",
  { name: settings.gateway.image, keepLocally: true },
  { provider: host.provider },
);
const edge = await makeEdge(settings.edge, {
  host,
  id,
  gateway: { name: names.gateway, image: settings.gateway.image, pulled: gatewayImage },
  address: rented?.publicAddress ?? (settings.host.kind === "ssh" ? settings.host.address : undefined),
  previous: previous?.certificate,
  repairs: repairs.certificate,
  zone,
});
const gateway = new Gateway("gateway", {
  host,
  network,
  files,
  spec: gatewaySpec(settings, names, directory, startInterval),
  repairs: repairs.gateway,
  after: [gatewayImage, ...edge.before],
});
const published = edge.publish([gateway]);
const flip = new Switch("switch", {
  host,
  settings,
  specs,
  keep: keptImages(settings.retention, settings.active, specs, previous?.recent ?? []),
  publicUrl: askedUrl(settings),
  repairs: repairs.switch,
  hooks: told,
  after: [host, network, data, ...slots, ...retired, gateway, ...edge.before, ...published],
});

await tellBudget(settings.host, budget);

/** Memory and money: what is promised, what it costs. */
export const plan = budget.plan;
export const url = stackUrl(settings);
export const live = flip.report.live;
export const releases = summarize(specs);
/** What the last change of the live colour took; a run that only verified it leaves this as it was. */
export const lastFlip = flip.report.apply((report) =>
  report.flipped ? report : (previous?.lastFlip ?? report),
);
export const switchedAt = lastFlip.switchedAt;
const recent = flip.report.apply((report) =>
  extendRecent(previous?.recent ?? [], report, specs, settings.retention),
);
/** What went live here, the last first: a line each, for a person. */
export const history = recent.apply((releases) => releases.map(describeRecent));
// Nothing in it is secret: marked so, because the engine would print a screen of it at every `up`.
export const record = pulumi.secret(
  pulumi
    .all([flip.report, lastFlip, recent, edge.certificate, rented?.record])
    .apply(([report, last, releases, certificate, ec2]): StackRecord => ({
      version: 1,
      live: report.live,
      canary: settings.canary,
      ...(settings.maintenance && { maintenance: settings.maintenance.retryAfterSeconds }),
      slots: { blue: specs.blue ?? null, green: specs.green ?? null },
      directory,
      lastFlip: last,
      recent: releases,
      ...(contract && { contract }),
      startInterval,
      postgresMajor: postgresMajor(settings.postgres.image),
      conf: hashFiles(files),
      repairs,
      certificate,
      ...(ec2 && { ec2 }),
      ...(zone && { zone }),
    })),
);
