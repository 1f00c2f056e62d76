import { once } from "node:events";
import { motoPython } from "../../../toolchain/setup/moto.ts";
import { freePort } from "../../support/ports.ts";
import { Running, until } from "../../support/process.ts";

/** moto's server in a process of its own, with an empty account. */
export class Moto {
  readonly port: number;
  readonly #process: Running;

  private constructor(port: number, process: Running) {
    this.port = port;
    this.#process = process;
  }

  static async start(): Promise<Moto> {
    const port = await freePort();
    const env = {
      ...process.env,
      // The policies that AWS has by itself, such as the one for Session Manager.
      MOTO_IAM_LOAD_MANAGED_POLICIES: "true",
      PYTHONDONTWRITEBYTECODE: "1",
    };
    const args = ["-m", "moto.server", "--host", "127.0.0.1", "--port", String(port)];
    // Longer than any suite takes; the process is ended by `stop`.
    const running = new Running(await motoPython(), args, { env, timeoutMs: 3_600_000 });
    const moto = new Moto(port, running);
    await until(`moto answers\n${running.output}`, () => moto.#answers(), 60_000);
    return moto;
  }

  async #answers(): Promise<boolean> {
    if (this.#process.ended) throw new Error(`moto ended:\n${this.#process.output}`);
    return fetch(`http://127.0.0.1:${this.port}/moto-api/data.json`).then(
      ({ ok }) => ok,
      () => false,
    );
  }

  /** What it said, for a failure's message. */
  get log(): string {
    return this.#process.output;
  }

  async stop(): Promise<void> {
    this.#process.killGroup();
    if (!this.#process.ended) await once(this.#process.child, "exit");
  }
}
