import { randomBytes } from "node:crypto";

/** WebSocket frames (RFC 6455), as little of them as a load client needs: no fragments, no extensions. */

export interface Frame {
  readonly opcode: number;
  readonly payload: Buffer;
}

/** A masked frame, as clients must send it. Payloads up to 65,535 bytes. */
export function clientFrame(opcode: number, payload: Buffer): Buffer {
  const mask = randomBytes(4);
  const head =
    payload.length < 126
      ? Buffer.from([0x80 | opcode, 0x80 | payload.length])
      : Buffer.from([0x80 | opcode, 0x80 | 126, payload.length >> 8, payload.length & 0xff]);
  return Buffer.concat([head, mask, payload.map((byte, i) => byte ^ (mask[i % 4] ?? 0))]);
}

/** An unmasked frame, as servers send it: for the tests' own server. */
export function serverFrame(opcode: number, payload: Buffer): Buffer {
  return Buffer.concat([Buffer.from([0x80 | opcode, payload.length]), payload]);
}

/** All whole frames at the front of `data`, and what is left behind them. */
export function readFrames(data: Buffer): { readonly frames: Frame[]; readonly rest: Buffer } {
  const frames: Frame[] = [];
  let at = 0;
  while (data.length - at >= 2) {
    const opcode = data.readUInt8(at) & 0x0f;
    const masked = (data.readUInt8(at + 1) & 0x80) !== 0;
    const short = data.readUInt8(at + 1) & 0x7f;
    const sizeBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
    if (data.length - at < 2 + sizeBytes) break;
    const size =
      short === 126
        ? data.readUInt16BE(at + 2)
        : short === 127
          ? Number(data.readBigUInt64BE(at + 2))
          : short;
    const from = at + 2 + sizeBytes + (masked ? 4 : 0);
    if (data.length < from + size) break;
    const mask = masked ? data.subarray(from - 4, from) : Buffer.alloc(4);
    const payload = data.subarray(from, from + size).map((byte, i) => byte ^ (mask[i % 4] ?? 0));
    frames.push({ opcode, payload: Buffer.from(payload) });
    at = from + size;
  }
  return { frames, rest: data.subarray(at) };
}
