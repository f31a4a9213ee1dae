/** The app as SST wants to know it before anything else: read when there is no `$app` yet. */
import { isPermanentStage } from "@hatchery/config";
import { settingsOf } from "./settings-of.ts";

export function appOf(stage: string) {
  const settings = settingsOf(stage);
  return {
    name: "hatchery",
    home: "aws" as const,
    // What outlives a stage is not in it: see store.ts.
    removal: "remove" as const,
    // What a permanent stage holds is protected by the database itself; the teardown asks for the stage's name.
    protect: isPermanentStage(stage, settings) && process.env["TEARDOWN_CONFIRMED"] !== stage,
    // The versions that SST 4.17.1 is made with: another one would be downloaded beside its own.
    providers: {
      aws: {
        version: "7.20.0",
        ...(settings.AWS_REGION !== undefined && { region: settings.AWS_REGION as aws.Region }),
        ...(settings.AWS_PROFILE !== undefined && { profile: settings.AWS_PROFILE }),
        defaultTags: { tags: { app: "hatchery", stage } },
      },
      command: "1.0.1",
      "docker-build": "0.0.14",
      random: "4.16.6",
    },
  };
}
