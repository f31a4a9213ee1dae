import * as fc from "fast-check";
import { expect, test } from "vitest";
import { leaks, secretTexts } from "./secret-texts.ts";

const password = fc.stringMatching(/^[A-Za-z0-9]{16,40}$/);

test("a password is found wherever it is, whether it came alone, in an address or as a field", () => {
  fc.assert(
    fc.property(password, fc.string(), fc.string(), (secret, before, after) => {
      for (const value of [
        secret,
        `postgres://hatchet:${secret}@database:5432/hatchet`,
        JSON.stringify({ COOKIE_SECRET: secret, other: "short" }),
      ])
        expect(leaks(`${before}${secret}${after}`, secretTexts([value]))).not.toEqual([]);
    }),
  );
});

test("what is told of a leak is no leak", () => {
  fc.assert(
    fc.property(password, (secret) => {
      expect(leaks(leaks(secret, secretTexts([secret])).join(), secretTexts([secret]))).toEqual([]);
    }),
  );
});

test("a user's name or a short word is no secret", () => {
  const texts = secretTexts(["postgres://hatchet:0123456789abcdef@database:5432/hatchet"]);
  expect(leaks("user hatchet at database:5432", texts)).toEqual([]);
});
