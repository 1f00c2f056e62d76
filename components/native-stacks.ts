/**
 * Gives stack traces back to Node. Pulumi's runner installs source-map-support, and its SDK takes a trace for each promise
 * that it makes: mapping them took a third of the program's time and 170 MB. Node strips types in place, so that the lines
 * of this program are right without a map.
 */
export function useNativeStacks(): void {
  Reflect.deleteProperty(Error, "prepareStackTrace");
}
