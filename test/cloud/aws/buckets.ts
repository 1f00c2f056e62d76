import { type AwsRequest, type Handler, serviceOf, without } from "./front-http.ts";

/** Tags that a bucket is created with, which moto passes over: it is told them in a request of their own. */
export const buckets: Handler = (request, moto) => {
  if (serviceOf(request) !== "s3" || request.method !== "PUT" || request.url.search !== "") return undefined;
  if (!/^\/[^/]+\/?$/.test(request.url.pathname)) return undefined;
  const tags = /<Tags>(.*)<\/Tags>/s.exec(request.body.toString())?.[1];
  if (tags === undefined) return undefined;
  return moto(request).then(async (made) => {
    if (made.status >= 300) return made;
    const told = await moto(tagging(request, tags));
    return told.status >= 300 ? told : made;
  });
};

function tagging(request: AwsRequest, tags: string): AwsRequest {
  const url = new URL(request.url);
  url.search = "?tagging";
  const body = Buffer.from(`<Tagging><TagSet>${tags}</TagSet></Tagging>`);
  // The sums of the other body would be wrong here.
  const headers = without(
    request.headers,
    /^(content-md5|x-amz-(content-sha256|checksum.*|sdk-checksum.*|trailer))$/,
  );
  return { ...request, url, headers, body };
}
