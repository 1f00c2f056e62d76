/** What a JSON text says; `undefined` for what is none. The text, which may be a secret, is in no error. */
export function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
