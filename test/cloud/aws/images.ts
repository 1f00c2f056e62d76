import { z } from "zod";
import { type Handler, json, operationOf } from "./front-http.ts";

/** Images that moto knows, each newer than the one before. */
export const IMAGES = ["ami-1e749f67", "ami-785db401"] as const;
export type Image = (typeof IMAGES)[number];

/** Where Ubuntu and Debian publish the newest image's id; moto has Amazon's own only. */
const PUBLISHED = /^\/aws\/service\/(canonical|debian)\//;
const asked = z.object({ Name: z.string() });

/** Answers every publisher's channel with the image that `newest` gives. */
export const images =
  (newest: () => Image): Handler =>
  (request) => {
    if (operationOf(request, "AmazonSSM") !== "GetParameter") return undefined;
    const { Name } = asked.parse(JSON.parse(request.body.toString()));
    if (!PUBLISHED.test(Name)) return undefined;
    const value = { Name, Type: "String", Value: newest(), Version: 1, DataType: "text" };
    return json(200, { Parameter: { ...value, ARN: `arn:aws:ssm:::parameter${Name}`, LastModifiedDate: 1 } });
  };
