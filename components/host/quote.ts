/** One word of a POSIX shell command, whatever it holds. */
export function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** A command line from its words. */
export function commandLine(words: readonly string[]): string {
  return words.map(quote).join(" ");
}
