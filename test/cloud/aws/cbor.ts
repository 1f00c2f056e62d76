// As much of CBOR (RFC 8949) as AWS's Smithy rpc-v2-cbor uses: maps with text keys, lists, texts, numbers, booleans, null,
// and times as seconds under tag 1.

/** Reads one value. @throws Error for what AWS's clients do not send */
export function decodeCbor(bytes: Buffer): unknown {
  return new Reader(bytes).value();
}

class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  #byte(): number {
    return this.#bytes.readUInt8(this.#at++);
  }

  #take(length: number): Buffer {
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  /** The number that goes with a type: in the first byte itself, or in the bytes after it. */
  #count(low: number): number {
    if (low < 24) return low;
    if (low === 24) return this.#byte();
    if (low === 25) return this.#take(2).readUInt16BE();
    if (low === 26) return this.#take(4).readUInt32BE();
    if (low === 27) return Number(this.#take(8).readBigUInt64BE());
    throw new Error(`CBOR length ${low} is not read here`);
  }

  value(): unknown {
    const first = this.#byte();
    const low = first & 31;
    switch (first >> 5) {
      case 0:
        return this.#count(low);
      case 1:
        return -1 - this.#count(low);
      case 2:
        return this.#take(this.#count(low));
      case 3:
        return this.#take(this.#count(low)).toString();
      case 4:
        return this.#items(low).map(([item]) => item);
      case 5:
        return Object.fromEntries(this.#items(low, 2).map(([key, item]) => [String(key), item]));
      case 6:
        this.#count(low);
        return this.value();
      default:
        return this.#simple(low);
    }
  }

  #simple(low: number): unknown {
    if (low === 20 || low === 21) return low === 21;
    if (low === 22 || low === 23) return null;
    if (low === 26) return this.#take(4).readFloatBE();
    if (low === 27) return this.#take(8).readDoubleBE();
    throw new Error(`the simple CBOR value ${low} is not read here`);
  }

  /** Groups of `size` values; their number stands before them, or a break after them. */
  #items(low: number, size = 1): unknown[][] {
    const groups: unknown[][] = [];
    const group = () => Array.from({ length: size }, () => this.value());
    if (low !== 31) for (let left = this.#count(low); left > 0; left -= 1) groups.push(group());
    else while (this.#bytes[this.#at] !== 0xff) groups.push(group());
    if (low === 31) this.#at += 1;
    return groups;
  }
}

/** Writes parsed JSON; what lies under a key that ends in `Timestamp` is a time in seconds. */
export function encodeCbor(value: unknown, isTime = false): Buffer {
  if (typeof value === "string")
    return Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)]);
  if (typeof value === "number") return isTime ? Buffer.concat([head(6, 1), double(value)]) : number(value);
  if (typeof value === "boolean") return Buffer.from([value ? 0xf5 : 0xf4]);
  if (value === null || value === undefined) return Buffer.from([0xf6]);
  if (Array.isArray(value))
    return Buffer.concat([head(4, value.length), ...value.map((item) => encodeCbor(item))]);
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  const parts = entries.flatMap(([key, item]) => [
    encodeCbor(key),
    encodeCbor(item, key.endsWith("Timestamp")),
  ]);
  return Buffer.concat([head(5, entries.length), ...parts]);
}

function head(type: number, count: number): Buffer {
  if (count < 24) return Buffer.from([(type << 5) | count]);
  const bytes = Buffer.alloc(5, (type << 5) | 26);
  bytes.writeUInt32BE(count, 1);
  return bytes;
}

function number(value: number): Buffer {
  const isWhole = Number.isInteger(value) && Math.abs(value) < 2 ** 32;
  if (!isWhole) return double(value);
  return value < 0 ? head(1, -1 - value) : head(0, value);
}

function double(value: number): Buffer {
  const bytes = Buffer.alloc(9, 0xfb);
  bytes.writeDoubleBE(value, 1);
  return bytes;
}
