/** `files`: what simulations returned beside their results. Needs the store alone, no stage that is up. */
import type { Command } from "commander";
import { UserError, exitCodes } from "@hatchery/config";
import type { StoredFile } from "@hatchery/experiment";
import { findExperiment, readExperiment } from "../experiments.ts";
import { fetchFiles, wantedFiles } from "../files.ts";
import { examples } from "../help.ts";
import type { Io } from "../io.ts";
import { numberOption } from "../number-option.ts";
import { count } from "../progress-line.ts";
import { defaultStage, openStage } from "../stage.ts";

interface FilesOptions {
  readonly stage: string;
  readonly name?: string;
  readonly out?: string;
  readonly json?: true;
}

export function configureFilesCommand(program: Command, io: Io): void {
  program
    .command("files")
    .description("List the files that simulations returned beside their results, or fetch them.")
    .argument("[experiment]", 'in full, the start of its id, its name, or "latest"', "latest")
    .argument(
      "[simulation]",
      "of this one alone, by its number from 0",
      numberOption("[simulation]"),
    )
    .addHelpText(
      "before",
      examples(
        "files latest",
        "files cooling-fin 73 --out .",
        "files latest --name profile.csv --out profiles",
        "files latest --json",
      ),
    )
    .option("--name <name>", "only files of this name")
    .option("--out <folder>", "write them to <folder>/<simulation>/<name>")
    .option("--stage <stage>", "which stage's store", defaultStage(io))
    .option("--json", "one JSON document on stdout")
    .action(async (reference: string, simulation: number | undefined, options: FilesOptions) => {
      const { store } = await openStage(options.stage, io);
      const { manifest } = await readExperiment(store, await findExperiment(store, reference));
      const files = wantedFiles(store, manifest, {
        ...(simulation !== undefined && { simulation }),
        ...(options.name !== undefined && { name: options.name }),
      });
      if (options.out === undefined)
        return options.json ? listJson(manifest.experiment, files, io) : list(files, io);
      const fetched = await fetchFiles(store, files, options.out);
      if (options.json) io.out(JSON.stringify({ experiment: manifest.experiment, ...fetched }));
      else io.out(`${count(fetched.files)} files, ${size(fetched.bytes)}, in ${options.out}`);
      if (fetched.problems.length > 0)
        throw new UserError(fetched.problems.join("\n"), {
          hint: `See what else it lacks:  pnpm hatchery verify ${manifest.experiment}`,
          exitCode: exitCodes.workFailed,
        });
    });
}

async function list(files: AsyncIterable<StoredFile>, io: Io): Promise<void> {
  let number = 0;
  let bytes = 0;
  for await (const file of files) {
    io.out(
      `${String(file.simulation).padStart(9)}  ${size(file.bytes).padStart(10)}  ${file.name}`,
    );
    number++;
    bytes += file.bytes;
  }
  io.say(`${count(number)} files, ${size(bytes)}`);
}

/** One document, line by line: millions of files do not fit into one string. The keys are a contract with scripts. */
async function listJson(
  experiment: string,
  files: AsyncIterable<StoredFile>,
  io: Io,
): Promise<void> {
  io.out(`{"experiment":${JSON.stringify(experiment)},"files":[`);
  let comma = "";
  for await (const { simulation, name, bytes, sha256 } of files) {
    io.out(comma + JSON.stringify({ simulation, name, bytes, sha256 }));
    comma = ",";
  }
  io.out("]}");
}

function size(bytes: number): string {
  if (bytes < 1e3) return `${bytes} B`;
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
