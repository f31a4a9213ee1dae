import * as fc from "fast-check";
import { expect, test } from "vitest";
import { createCostMeter } from "./cost-meter.ts";

test("ten workers at 6 cents an hour cost 30 cents in half an hour, on top of what was spent", () => {
  const meter = createCostMeter(1);
  meter.accumulate(10, 1_800, 0.06);
  expect(meter.usd()).toBeCloseTo(1.3);
});

test("however often it is read, the sum is that of the whole", () => {
  const whiles = fc.array(
    fc.tuple(fc.integer({ min: 0, max: 5_000 }), fc.double({ min: 0, max: 60, noNaN: true })),
  );
  fc.assert(
    fc.property(whiles, fc.integer({ min: 1, max: 5 }), (parts, experiments) => {
      const whole = createCostMeter();
      const shared = Array.from({ length: experiments }, () => createCostMeter());
      for (const [workers, seconds] of parts) {
        whole.accumulate(workers, seconds, 0.06);
        for (const meter of shared) meter.accumulate(workers, seconds, 0.06, 1 / experiments);
      }
      const sum = shared.reduce((usd, meter) => usd + meter.usd(), 0);
      expect(sum).toBeCloseTo(whole.usd(), 6);
    }),
  );
});
