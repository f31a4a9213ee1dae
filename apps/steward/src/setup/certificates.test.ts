import { X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError } from "@hatchery/config";
import { expect, test } from "vitest";
import { amazonsOf, writeCertificates } from "./certificates.ts";

const names = (pem: string) =>
  pem
    .split(/(?<=-----END CERTIFICATE-----\n)/)
    .map((each) => /CN=(.+)/.exec(new X509Certificate(each).subject)?.[1]);

test("a database is trusted by the certificates of its own region, those that have not run out", () => {
  expect(names(amazonsOf("eu-central-1"))).toEqual([
    "Amazon RDS eu-central-1 Root CA ECC384 G1",
    "Amazon RDS eu-central-1 Root CA RSA2048 G1",
    "Amazon RDS eu-central-1 Root CA RSA4096 G1",
  ]);
  expect(names(amazonsOf("eu-central-1", new Date("2100-01-01")))).toHaveLength(2);
});

test("a region whose certificates are not known is refused with the way out", () => {
  expect(() => amazonsOf("xx-nowhere-1")).toThrow(UserError);
  expect(() => amazonsOf(undefined)).toThrow(/region "undefined"/);
});

test("certificates that are given stand in place of Amazon's", () => {
  const folder = mkdtempSync(join(tmpdir(), "hatchery-certificates-"));
  writeCertificates({ SHARED_FOLDER: folder, DATABASE_CERTIFICATES: "of my own" });
  expect(readFileSync(join(folder, "database-ca.pem"), "utf8")).toBe("of my own");
  rmSync(folder, { recursive: true });
});
