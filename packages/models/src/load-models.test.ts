import { execFile } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { exitCodes } from "@hatchery/config";

const loader = "load-models.ts";
const broken = "decay/index.ts";
let folder: string;

/** A package like this one, whose only model is in `broken`. */
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "hatchery models (")));
  cpSync(join(import.meta.dirname, loader), join(folder, loader));
  symlinkSync(join(dirname(import.meta.dirname), "node_modules"), join(folder, "node_modules"));
  writeFileSync(
    join(folder, "index.ts"),
    'import { decay } from "./decay/index.ts";\nexport const models = { decay };\n',
  );
  mkdirSync(join(folder, dirname(broken)));
});

afterEach(() => rmSync(folder, { recursive: true }));

/** What `loadModels` throws in a process of its own: Node's words for a mistake, and not those of the tests' runner. */
async function refusal(...lines: string[]): Promise<object> {
  writeFileSync(join(folder, broken), lines.join("\n"));
  return refusalOf(undefined);
}

async function refusalOf(module: string | undefined): Promise<object> {
  const script = `
    const { loadModels } = await import("./${loader}");
    const { name, message, hint, exitCode } = await loadModels(${JSON.stringify(module)}).catch((error) => error);
    console.log(JSON.stringify({ name, message, hint, exitCode }));`;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--input-type=module", "--eval", script],
    { cwd: folder },
  );
  return JSON.parse(stdout) as object;
}

const mistake = (message: string, hint: string) => ({
  name: "UserError",
  message: expect.stringContaining(message),
  hint: expect.stringContaining(hint),
  exitCode: exitCodes.wrongUsage,
});

describe("a mistake in a model's file is said with the file and its line", () => {
  test("a name that is not imported", async () => {
    expect(await refusal("", "export const decay = defineModel({});")).toEqual(
      mistake(`${broken}:2 does not load: defineModel is not defined`, "import { defineModel }"),
    );
  });

  test("wrong syntax", async () => {
    expect(await refusal("export const decay = {", "  limits: ;", "};")).toEqual(
      mistake(`${broken}:2 does not load: `, "Mend it there"),
    );
  });

  test("TypeScript that Node does not run", async () => {
    expect(await refusal("export enum decay { Fast }")).toEqual(
      mistake(`${broken}:1 does not load: TypeScript enum is not supported`, "Mend it there"),
    );
  });

  test("a name that the imported module does not have", async () => {
    expect(await refusal('import { defineMoodel } from "@hatchery/experiment";')).toEqual(
      mistake(`${broken}:1 does not load: The requested module`, "Mend it there"),
    );
  });

  test("an import of a file that is not there", async () => {
    expect(await refusal('import { rate } from "./rate.ts";')).toEqual(
      mistake(`${broken} does not load: Cannot find module`, "Mend it there"),
    );
  });

  test.each([
    ["zod", "z.enum(undefined)"],
    ["Hatchery", "defineModel(undefined)"],
  ])("a call that fails within %s", async (_, call) => {
    expect(
      await refusal(
        'import { z } from "zod";',
        'import { defineModel } from "@hatchery/experiment";',
        `export const decay = ${call};`,
      ),
    ).toEqual(mistake(`${broken}:3 does not load: `, "Mend it there"));
  });

  test("something thrown that is no error", async () => {
    expect(await refusal('throw "no licence";', "export const decay = 1;")).toEqual(
      mistake("index.ts does not load: no licence", "Mend it there"),
    );
  });
});

test("what defineModel finds wrong is said as it is", async () => {
  expect(
    await refusal(
      'import { defineModel } from "@hatchery/experiment";',
      'export const decay = defineModel({ name: "decay" });',
    ),
  ).toMatchObject({
    name: "UserError",
    message: expect.stringMatching(/^Model "decay" is not well defined:\n/),
    exitCode: exitCodes.wrongUsage,
  });
});

describe("of a module that MODELS_MODULE names", () => {
  test("a mistake is said with its own file", async () => {
    writeFileSync(join(folder, broken), "export const models = { decay };");
    expect(await refusalOf(join(folder, broken))).toEqual(
      mistake(`${broken}:1 does not load: decay is not defined`, "import"),
    );
  });

  test("it is said that it is not there, or exports no models", async () => {
    const none = join(folder, "none.ts");
    const wrongSetting = (message: string) => ({
      name: "UserError",
      message: expect.stringContaining(`MODELS_MODULE="${none}" does not load: ${message}`),
      hint: "Name a module that exports `models`, a record of models by name.",
      exitCode: exitCodes.wrongSettings,
    });
    expect(await refusalOf(none)).toEqual(wrongSetting("Cannot find module"));
    writeFileSync(none, "export const decay = 1;");
    expect(await refusalOf(none)).toEqual(wrongSetting("it exports no `models`."));
  });
});
