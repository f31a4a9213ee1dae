import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "dotenv";
import { describe, expect, test } from "vitest";
import { documents } from "./documents.ts";
import { workspaceRoot } from "./local-stage.ts";
import { StageSettings, settingNames } from "./stage-settings.ts";

const made = documents();

describe("documents", () => {
  test.for(Object.entries(made))(
    "%s is as the settings say: else run pnpm docs:settings",
    ([path, text]) => {
      expect(readFileSync(join(workspaceRoot(), path), "utf8")).toBe(text);
    },
  );

  test("an untouched copy of .env.example is the defaults", () => {
    const file = parse(made[".env.example"]);
    expect(Object.keys(file).length).toBeGreaterThan(10);
    expect(StageSettings.parse(file)).toEqual(StageSettings.parse({}));
  });

  test("in a copy of .env.example the profile still sets what follows it", () => {
    const file = { ...parse(made[".env.example"]), PROFILE: "large" };
    expect(StageSettings.parse(file)).toEqual(StageSettings.parse({ PROFILE: "large" }));
  });

  test("each remark that is a setting can be put in force", () => {
    const remarks = parse(made[".env.example"].replaceAll(/^# (?=[A-Z_]+=)/gm, ""));
    expect(Object.keys(remarks).toSorted()).toEqual([...settingNames].toSorted());
    expect(() => StageSettings.parse({ ...remarks, VPC_ID: "" })).not.toThrow();
  });

  test("every setting is described in one place and says what is allowed", () => {
    for (const name of settingNames) {
      expect(made["docs/settings.md"].split(`| \`${name}\``)).toHaveLength(2);
      expect(made["docs/settings.md"]).toMatch(new RegExp(`^\\| \`${name}\` .* Is \\S.*\\.`, "m"));
    }
  });
});
