/** One text file of a {@link renderBundle}. */
export interface BundleFile {
  /** Path below the folder that the bundle is unpacked into: letters, digits, `.`, `_`, `-`, `/`. */
  readonly path: string;
  /** Text; ends with a newline. */
  readonly content: string;
  /** @default 0o644 */
  readonly mode?: 0o644 | 0o755;
}

/**
 * A shell script that writes the files, meant for standard input: `sh -s -- <folder>`. It is readable as it stands, so a
 * Pulumi diff of it shows the changed lines. Each file is put in place by rename, in the order given; files that are not
 * in the bundle stay. Everything is inside one function that the last line calls: a script that was cut off on its way
 * is a syntax error and writes nothing.
 * @throws Error when a path leaves the folder or a text cannot be carried (no final newline, NUL, carriage return)
 */
export function renderBundle(files: readonly BundleFile[]): string {
  const seen = new Set<string>();
  for (const file of files) {
    check(file);
    if (seen.has(file.path)) throw new Error(`bundle: ${file.path} is there twice`);
    seen.add(file.path);
  }
  const folders = [...new Set(files.map(({ path }) => path.split("/").slice(0, -1).join("/")))]
    .filter((folder) => folder !== "")
    .map((folder) => `mkdir -p "$1/${folder}"\n`);
  return `set -eu
umask 022
write_bundle() {
mkdir -p "$1"
${folders.join("")}${files.map(renderFile).join("")}}
write_bundle "\${1:?the folder to write into}"
`;
}

function renderFile({ path, content, mode = 0o644 }: BundleFile): string {
  const end = delimiter(path, content);
  // cat, not install(1): BusyBox and coreutils agree on it. The mode is set before the name is taken.
  return `cat >"$1/${path}.new" <<'${end}'
${content}${end}
chmod ${mode.toString(8)} "$1/${path}.new"
mv -f "$1/${path}.new" "$1/${path}"
`;
}

/** A line that does not occur in the text. */
function delimiter(path: string, content: string): string {
  const lines = new Set(content.split("\n"));
  let end = `END ${path}`;
  while (lines.has(end)) end += " again";
  return end;
}

function check({ path, content }: BundleFile): void {
  if (
    !/^[A-Za-z0-9._-]+(\/[A-Za-z0-9._-]+)*$/.test(path) ||
    path.split("/").some((part) => /^\.+$/.test(part))
  ) {
    throw new Error(
      `bundle: path ${JSON.stringify(path)} must be relative, of letters, digits, ".", "_", "-", "/"`,
    );
  }
  if (!content.endsWith("\n")) throw new Error(`bundle: ${path} must end with a newline`);
  if (/[\0\r]/.test(content)) throw new Error(`bundle: ${path} has a NUL or a carriage return in it`);
}
