/** An image as a release is known before it is pushed: its repository, and the commit as its tag. */
export interface ImageName {
  /** registry/path, in small letters as registries want them. */
  readonly repository: string;
  readonly tag: string;
}

/**
 * @param repository where to push to, such as ghcr.io/Owner/name/api
 * @param commit the whole hash: a short one is another commit one day
 */
export function imageName(repository: string, commit: string): ImageName {
  if (!/^[0-9a-f]{40}$/.test(commit))
    throw new Error(`got the commit "${commit}"; allowed: all 40 digits of its hash`);
  const small = repository.toLowerCase();
  if (!/^[a-z0-9][a-z0-9.-]*(:\d+)?(\/[a-z0-9]+([._-]+[a-z0-9]+)*)+$/.test(small))
    throw new Error(
      `got the repository "${repository}"; allowed: registry/path, such as ghcr.io/owner/name/api`,
    );
  return { repository: small, tag: commit };
}

/** What the release is called inside: the commit's first digits. */
export const releaseOf = ({ tag }: ImageName) => tag.slice(0, 12);

export const tagged = ({ repository, tag }: ImageName) => `${repository}:${tag}`;

/** Where layers come from that need not be built again. */
export type LayerCache =
  /** What the engine still has. */
  | { readonly kind: "engine" }
  /** A tag of the registry that holds nothing but layers; read and written by BuildKit. */
  | { readonly kind: "registry"; readonly reference: string };

/** The words of the build, after `docker`. The release's name is the commit; a base image is asked for anew. */
export function buildWords(name: ImageName, folder: string, cache: LayerCache): readonly string[] {
  const labels = ["--label", `org.opencontainers.image.revision=${name.tag}`];
  const what = ["--build-arg", `RELEASE=${releaseOf(name)}`, ...labels, "--tag", tagged(name), folder];
  switch (cache.kind) {
    case "engine":
      return ["build", ...what];
    case "registry":
      return [
        ...["buildx", "build", "--pull", "--load"],
        ...["--cache-from", `type=registry,ref=${cache.reference}`],
        ...["--cache-to", `type=registry,ref=${cache.reference},mode=max`],
        ...what,
      ];
  }
}

/**
 * The reference by digest that a registry gave a pushed image.
 * @param repoDigests what `docker image inspect --format '{{json .RepoDigests}}'` printed after the push
 */
export function pushedReference({ repository }: ImageName, repoDigests: string): string {
  const all: unknown = JSON.parse(repoDigests);
  const found = (Array.isArray(all) ? all.map(String) : []).filter(
    (one) => one.startsWith(`${repository}@sha256:`) && /@sha256:[0-9a-f]{64}$/.test(one),
  );
  const [reference, ...others] = found;
  if (reference === undefined || others.length > 0)
    throw new Error(`the engine knows ${found.length} digests of ${repository} after the push; expected one`);
  return reference;
}
