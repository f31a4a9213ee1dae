import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError } from "@hatchery/config";
import { expect, test } from "vitest";
import { startMoto } from "./index.ts";

test("two servers at once are two clouds, and a stopped one answers no more", async () => {
  await using one = await startMoto();
  await using other = await startMoto();
  expect(one.endpoint).not.toBe(other.endpoint);
  const put = await fetch(`${one.endpoint}/a-bucket`, { method: "PUT" });
  expect(put.status).toBe(200);
  expect((await fetch(`${one.endpoint}/a-bucket?list-type=2`)).status).toBe(200);
  expect((await fetch(`${other.endpoint}/a-bucket?list-type=2`)).status).toBe(404);
  await one.stop();
  await expect(fetch(one.endpoint)).rejects.toThrow("fetch failed");
}, 300_000);

test("a machine without Python is told what is needed", async () => {
  const cache = mkdtempSync(join(tmpdir(), "hatchery-moto-"));
  try {
    const start = startMoto({ HATCHERY_CACHE: cache, PATH: cache });
    await expect(start).rejects.toThrow(UserError);
    await expect(start).rejects.toThrow(/python3/);
  } finally {
    rmSync(cache, { recursive: true });
  }
});
