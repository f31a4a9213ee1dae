import { type AddressInfo, createServer } from "node:net";
import { UserError } from "@hatchery/config";
import { afterEach, expect, test } from "vitest";
import { choosePorts, isFree, portNames } from "./ports.ts";

const servers: ReturnType<typeof createServer>[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function listen(port = 0): Promise<number> {
  const server = createServer();
  servers.push(server);
  await new Promise<void>((resolve) => server.listen({ host: "127.0.0.1", port }, resolve));
  return (server.address() as AddressInfo).port;
}

test("a stage finds its old ports again, and all of them differ", async () => {
  const ports = await choosePorts("/some/folder", {});
  expect(await choosePorts("/some/folder", {})).toEqual(ports);
  expect(new Set(Object.values(ports)).size).toBe(portNames.length);
});

test("a port that somebody else has is passed over", async () => {
  const before = await choosePorts("/some/other/folder", {});
  await listen(before.api);
  const after = await choosePorts("/some/other/folder", {});
  expect(after.api).not.toBe(before.api);
  expect({ ...after, api: 0 }).toEqual({ ...before, api: 0 });
});

test("ports of the settings are taken as they are", async () => {
  const wanted = await listen();
  servers.pop()!.close();
  expect((await choosePorts("/some/folder", { grpc: wanted })).grpc).toBe(wanted);
});

test("every port of the settings that is in use is named, with its setting", async () => {
  const [database, api] = [await listen(), await listen()];
  const failure = await choosePorts("/some/folder", { database, api }).catch(
    (error: unknown) => error,
  );
  expect(failure).toBeInstanceOf(UserError);
  expect((failure as UserError).message).toBe(
    `2 ports that the settings name are in use on this machine.\n\n  LOCAL_DATABASE_PORT=${database}\n  LOCAL_API_PORT=${api}`,
  );
  expect((failure as UserError).hint).toContain("leave the setting away");
});

test("a port that is taken on loopback only is not free", async () => {
  const port = await listen();
  expect(await isFree(port)).toBe(false);
});
