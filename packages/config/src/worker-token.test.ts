import { expect, test } from "vitest";
import { servingTokenId, tokenIn } from "./worker-token.ts";

const now = new Date("2026-08-01T00:00:00Z");
const days = (count: number) => now.getTime() / 1_000 + count * 86_400;
const id = "8f8fd1d2-6d49-4f4e-9a53-0c4a2a3f9c11";
const engine = { SERVER_URL: "http://engine", SERVER_GRPC_BROADCAST_ADDRESS: "engine:7070" };
const claims = {
  token_id: id,
  server_url: "http://engine",
  grpc_broadcast_address: "engine:7070",
  exp: days(365),
};
const tokenOf = (of: object) =>
  ["eyhead", Buffer.from(JSON.stringify(of)).toString("base64url"), "signature"].join(".");

test("a token serves while it names the engine's addresses and has a quarter of a year left", () => {
  const serving = (of: object) => servingTokenId(tokenOf({ ...claims, ...of }), engine, now);
  expect(serving({})).toBe(id);
  expect(serving({ server_url: "https://engine" })).toBeUndefined();
  expect(serving({ grpc_broadcast_address: "engine:8443" })).toBeUndefined();
  expect(serving({ exp: days(91) })).toBe(id);
  expect(serving({ exp: days(89) })).toBeUndefined();
});

test("the token is found among the lines that its maker prints", () => {
  const token = tokenOf(claims);
  expect(tokenIn(`2026/08/01 loading\n${token}\n2026/08/01 cleaning up\n`)).toBe(token);
  expect(tokenIn("nothing of the kind\n")).toBeUndefined();
});
