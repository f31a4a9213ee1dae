/**
 * Our image as a folder of this machine, made without Docker by the steps of its Dockerfile: COPY through its
 * .dockerignore, and the build stage's RUN. What the last stage runs as root (packages, the user) has no place here.
 */
import { execFileSync } from "node:child_process";
import { cpSync, lstatSync, mkdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import dockerignore from "@balena/dockerignore";
import { workspaceRoot } from "@hatchery/config";
import { DockerfileParser, type Instruction } from "dockerfile-ast";

export const dockerfile = join(workspaceRoot(), "apps/worker/Dockerfile");
const ignored = dockerignore({ ignorecase: false }).add(
  readFileSync(`${dockerfile}.dockerignore`, "utf8"),
);

/** Answers the folder that stands for the image's root. */
export function buildImage(folder: string): string {
  const stages = instructionsByStage();
  const [build, last] = ["build", "last"].map((name) => join(folder, name)) as [string, string];
  carryOut(stages[0]!, build, {});
  carryOut(stages[1]!, last, { build });
  return last;
}

function instructionsByStage(): Instruction[][] {
  const stages: Instruction[][] = [];
  for (const instruction of DockerfileParser.parse(
    readFileSync(dockerfile, "utf8"),
  ).getInstructions()) {
    if (instruction.getKeyword() === "FROM") stages.push([]);
    else stages.at(-1)?.push(instruction);
  }
  return stages;
}

function carryOut(
  stage: readonly Instruction[],
  root: string,
  earlier: Readonly<Record<string, string>>,
): void {
  let folder = root;
  for (const instruction of stage) {
    const words = instruction.getArguments().map((word) => word.getValue());
    switch (instruction.getKeyword()) {
      case "WORKDIR":
        folder = join(root, words[0]!);
        mkdirSync(folder, { recursive: true });
        break;
      case "COPY": {
        const from = /^COPY\s+--from=(\S+)/.exec(instruction.getTextContent())?.[1];
        const target = words.at(-1)!;
        const place = target.startsWith("/") ? join(root, target) : join(folder, target);
        for (const source of words.slice(0, -1))
          copy(source, place, target.endsWith("/"), from === undefined ? undefined : earlier[from]);
        break;
      }
      case "RUN":
        // The last stage's are root's.
        if (Object.keys(earlier).length === 0)
          execFileSync("/bin/sh", ["-euc", withoutComments(instruction)], {
            cwd: folder,
            env: {
              PATH: `${dirname(process.execPath)}:${process.env["PATH"]}`,
              HOME: process.env["HOME"],
            },
            stdio: "pipe",
          });
    }
  }
}

/** From the context, through its .dockerignore, or from a stage before. */
function copy(
  source: string,
  place: string,
  isIntoFolder: boolean,
  from: string | undefined,
): void {
  const whole = join(from ?? workspaceRoot(), source);
  const isFolder = lstatSync(whole).isDirectory();
  const target = isIntoFolder && !isFolder ? join(place, basename(source)) : place;
  mkdirSync(dirname(target), { recursive: true });
  cpSync(whole, target, {
    recursive: true,
    verbatimSymlinks: true,
    filter: (path) => from !== undefined || !ignored.ignores(relative(workspaceRoot(), path)),
  });
}

/** Docker leaves lines of comment out of an instruction before the shell has it. */
function withoutComments(instruction: Instruction): string {
  return instruction.getRawArgumentsContent()!.replaceAll(/^\s*#.*\n/gm, "");
}
