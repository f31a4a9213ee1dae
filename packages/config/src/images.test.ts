import { describe, expect, test } from "vitest";
import { UserError } from "./errors.ts";
import {
  EngineImageLock,
  engineImageLock,
  engineImageRepository,
  engineImages,
  knownEngineImages,
} from "./images.ts";
import { StageSettings, parseStageSettings } from "./stage-settings.ts";
import { engineImageNames, engineVersion } from "./versions.ts";

const digest = (of: string) => `sha256:${of.repeat(64)}`;
const fullLock = EngineImageLock.parse({
  version: engineVersion,
  digests: Object.fromEntries(engineImageNames.map((name, i) => [name, digest(String(i))])),
});
const none = { ENGINE_IMAGES: {} };

describe("the engine's images", () => {
  test("are the official ones with the lock's digests, and never carry a tag", () => {
    const images = engineImages(none, fullLock);
    expect(images.dashboard).toBe(`ghcr.io/hatchet-dev/hatchet/hatchet-dashboard@${digest("1")}`);
    for (const name of engineImageNames)
      expect(images[name]).toMatch(
        new RegExp(`^${engineImageRepository(name)}@sha256:[0-9a-f]{64}$`),
      );
  });

  test("are those of ENGINE_IMAGES where it names one, the others as before", () => {
    const own = `123.dkr.ecr.eu-west-1.amazonaws.com/engine@${digest("a")}`;
    const settings = StageSettings.parse({ ENGINE_IMAGES: JSON.stringify({ engine: own }) });
    const images = engineImages(settings, fullLock);
    expect(images.engine).toBe(own);
    expect(images.migrate).toBe(engineImages(none, fullLock).migrate);
  });

  test("that are not known are named, all at once, with what finds them out", () => {
    const lock = { version: engineVersion, digests: { engine: digest("1"), admin: digest("2") } };
    const attempt = () => engineImages(none, lock);
    expect(attempt).toThrow(UserError);
    expect(attempt).toThrow(/"dashboard", "migrate" of v0\.104\.7/);
  });

  test("a lock of another version of the engine says nothing", () => {
    expect(knownEngineImages(none, { ...fullLock, version: "v0.1.0" })).toEqual({});
  });

  test("the committed lock is of the version that is deployed", () => {
    expect(engineImageLock.version).toBe(engineVersion);
  });

  test.for([
    ['{"engine":"ghcr.io/hatchet-dev/hatchet/hatchet-engine:v0.104.7"}', "a tag"],
    ['{"motor":"a@sha256:1"}', "another name"],
    ["ghcr.io/x", "no JSON"],
    [`["a@${digest("1")}"]`, "a list"],
  ])("ENGINE_IMAGES=%s is refused: %s", ([value = ""]) => {
    const { problems } = parseStageSettings({ ENGINE_IMAGES: value });
    expect(problems).toHaveLength(1);
    expect(problems[0]?.name).toBe("ENGINE_IMAGES");
    expect(problems[0]?.reason).toContain("must be JSON of images with digests");
  });
});
