import { styleText } from "node:util";
import ora from "ora";
import type { Word } from "./progress.ts";

/** Where progress goes: a moving line on a terminal, plain lines elsewhere. Always to stderr: stdout is the result's. */
export interface Progress {
  readonly step: (text: string) => void;
  readonly word: (word: Word) => void;
  readonly line: (text: string) => void;
  readonly end: () => void;
}

/** How a resource's step reads: `slot-green-migration  update`. */
function stepText({ name, what }: { readonly name: string; readonly what: string }): string {
  return `${what} ${name}`;
}

export function makeProgress(stream: NodeJS.WriteStream = process.stderr): Progress {
  // A terminal without a width (a bare pty, `docker exec -t`): ora would look for its lines without end.
  return stream.isTTY && stream.columns > 0 ? moving(stream) : plainProgress(stream);
}

/** Lines, as a log keeps them. */
export function plainProgress(stream: NodeJS.WritableStream): Progress {
  const line = (text: string): void => void stream.write(`${text}\n`);
  return {
    step: line,
    line,
    word: (word) => {
      switch (word.kind) {
        case "begins":
          return;
        case "ended":
          line(`  ${stepText(word)}`);
          return;
        case "said":
        case "warned":
        case "failed":
          line(indented(word.text));
          return;
      }
    },
    end: () => undefined,
  };
}

function moving(stream: NodeJS.WriteStream): Progress {
  // Left alone, ora takes the keyboard, and Ctrl-C with it: neither this process nor the engine would hear of it.
  const spinner = ora({ stream, discardStdin: false });
  const above = (text: string): void => {
    const { text: now, isSpinning } = spinner;
    spinner.stop();
    stream.write(`${text}\n`);
    if (isSpinning) spinner.start(now);
  };
  return {
    step: (text) => {
      above(styleText("bold", text, { stream }));
      spinner.start(text);
    },
    line: above,
    word: (word) => {
      switch (word.kind) {
        case "begins":
          spinner.text = stepText(word);
          return;
        case "ended":
          above(`  ${styleText("green", "✓", { stream })} ${stepText(word)}`);
          return;
        case "said":
          above(styleText("dim", indented(word.text), { stream }));
          return;
        case "warned":
          above(styleText("yellow", indented(word.text), { stream }));
          return;
        case "failed":
          above(styleText("red", indented(word.text), { stream }));
          return;
      }
    },
    end: () => {
      spinner.stop();
    },
  };
}

function indented(text: string): string {
  return text.replaceAll(/^/gm, "    ");
}
