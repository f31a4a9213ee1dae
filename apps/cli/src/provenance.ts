/** Provenance: what an experiment is computed by and on, as its manifest keeps it for `diff` and for a reader in a year. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { promisify } from "node:util";
import {
  isLocalStage,
  loadStageSettings,
  settingGroups,
  workspaceRoot,
  type StageSettings,
} from "@hatchery/config";
import { sourceHash, type Manifest, type Model } from "@hatchery/experiment";

type Provenance = Required<Pick<Manifest, "code" | "settings">>;

export async function provenanceOf(model: Model, stage: string): Promise<Provenance> {
  const settings = loadStageSettings(stage, {
    root: workspaceRoot(),
    environment: process.env,
  });
  const image = isLocalStage(stage) ? undefined : settings.WORKER_IMAGE;
  return {
    code: {
      ...(await codeVersion()),
      source: sourceHash(model),
      ...(image !== undefined && { image }),
    },
    settings: computingSettings(settings, stage),
  };
}

/** The checkout's commit and whether it was changed; empty without git. */
export async function codeVersion(): Promise<Pick<Manifest["code"], "commit" | "dirty">> {
  const git = promisify(execFile);
  try {
    const cwd = workspaceRoot();
    const [commit, status] = await Promise.all([
      git("git", ["rev-parse", "HEAD"], { cwd }),
      git("git", ["status", "--porcelain"], { cwd }),
    ]);
    return { commit: commit.stdout.trim(), dirty: status.stdout.trim() !== "" };
  } catch {
    return {};
  }
}

/** Those that say on what is computed, and not who pays, who may look, or how long it is kept. */
const computing = ["Workers", "Engine", "Database", "Broker"] as const;
/** A stage on this machine has the engine, database and processor that are here. */
const computingHere = ["WORKER_COUNT", "BROKER", "FLEETS"];

function computingSettings(settings: StageSettings, stage: string): Provenance["settings"] {
  const names = isLocalStage(stage)
    ? computingHere
    : computing.flatMap((group) => Object.keys(settingGroups[group]));
  const values = Object.fromEntries(
    names
      .map((name) => [name, settings[name as keyof StageSettings]] as const)
      .filter(([, value]) => value !== undefined)
      .toSorted(([a], [b]) => (a < b ? -1 : 1)),
  ) as Provenance["settings"]["values"];
  const sha256 = createHash("sha256").update(JSON.stringify(values)).digest("hex");
  return { sha256, values };
}
