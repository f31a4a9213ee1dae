import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EngineAddresses, addresses, adminEmail, localAddresses } from "./addresses.ts";
import { checkStageName } from "./env-file.ts";
import { StageSettings } from "./stage-settings.ts";

const stageName = fc.stringMatching(/^[a-z]([a-z0-9-]{0,28}[a-z0-9])?$/);

describe("addresses", () => {
  test("a stage with a domain has the seed's names", () => {
    const settings = StageSettings.parse({ ROOT_DOMAIN: "acmelab.com" });
    expect(addresses("production", settings)).toEqual({
      internalServerUrl: "http://Engine.production.hatchet.sst",
      internalGrpcBroadcastAddress: "Engine.production.hatchet.sst:7070",
      externalServerUrl: "https://hatchet-production.acmelab.com",
      externalGrpcBroadcastAddress: "hatchet-production.acmelab.com:8443",
    });
    expect(adminEmail(settings)).toBe("hatchet@acmelab.com");
  });

  test("a stage without a domain has none outside", () => {
    expect(Object.keys(addresses("x", StageSettings.parse({})))).toEqual([
      "internalServerUrl",
      "internalGrpcBroadcastAddress",
    ]);
    expect(adminEmail({ ROOT_DOMAIN: undefined })).toBe("hatchet@example.com");
  });

  test("any valid settings give addresses that parse as URLs", () => {
    fc.assert(
      fc.property(stageName, fc.option(fc.domain(), { nil: "false" }), (stage, ROOT_DOMAIN) => {
        checkStageName(stage);
        const parsed = StageSettings.safeParse({ ROOT_DOMAIN });
        fc.pre(parsed.success);
        const found = EngineAddresses.parse(addresses(stage, parsed.data));
        for (const url of [found.internalServerUrl, found.externalServerUrl])
          if (url !== undefined) expect(new URL(url).pathname).toBe("/");
        for (const grpc of [found.internalGrpcBroadcastAddress, found.externalGrpcBroadcastAddress])
          if (grpc !== undefined) {
            const { port, hostname } = new URL(`http://${grpc}`);
            expect([port, hostname.length > 0]).toEqual([
              expect.stringMatching(/^(7070|8443)$/),
              true,
            ]);
            expect(Math.max(...hostname.split(".").map((label) => label.length))).toBeLessThan(64);
          }
      }),
    );
  });

  test("a stage on this machine is on loopback", () => {
    expect(localAddresses({ api: 8080, grpc: 7070 })).toEqual({
      internalServerUrl: "http://127.0.0.1:8080",
      internalGrpcBroadcastAddress: "127.0.0.1:7070",
    });
  });
});
