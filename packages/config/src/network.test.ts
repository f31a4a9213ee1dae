import { describe, expect, test } from "vitest";
import { networkMode, subnets, workerAddresses } from "./network.ts";
import { StageSettings } from "./stage-settings.ts";

describe("network", () => {
  test.for([1, 2, 3, 4, 5, 6])(
    "the subnets of %i zones do not overlap and lie in the VPC",
    (count) => {
      const ranges = subnets(count)
        .flatMap((zone) => [zone.public, zone.private])
        .map(range)
        .toSorted((a, b) => a.from - b.from);
      expect(ranges).toHaveLength(2 * count);
      ranges.slice(1).forEach((next, i) => expect(next.from).toBeGreaterThan(ranges[i]!.to));
      expect(ranges[0]!.from).toBeGreaterThanOrEqual(range("10.0.0.0/16").from);
      expect(ranges.at(-1)!.to).toBeLessThanOrEqual(range("10.0.0.0/16").to);
    },
  );

  test.for([
    [{}, "public", 2 * 1_019 - 40],
    [{ ENGINE_PRIVATE_SUBNET: "true" }, "endpoints", 2 * 8_187 - 40],
    [{ ENGINE_PRIVATE_SUBNET: "true", NAT_GATEWAY: "true" }, "nat-gateway", 2 * 8_187 - 40],
    [{ NAT_INSTANCE: "true", AZ_COUNT: "1" }, "nat-instance", 8_187 - 40],
    [{ VPC_ID: "vpc-0a1b2c3d" }, "existing", undefined],
  ] as const)("%o is the mode %s with %s addresses for workers", ([input, mode, addresses]) => {
    const settings = StageSettings.parse(input);
    expect(networkMode(settings)).toBe(mode);
    expect(workerAddresses(settings)).toBe(addresses);
  });
});

function range(cidr: string): { from: number; to: number } {
  const [address = "", bits = ""] = cidr.split("/");
  const from = address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
  const size = 2 ** (32 - Number(bits));
  expect(from % size).toBe(0);
  return { from, to: from + size - 1 };
}
