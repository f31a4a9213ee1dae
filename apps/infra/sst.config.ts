/// <reference path="./.sst/platform/config.d.ts" />

export default $config({
  async app(input) {
    const { appOf } = await import("./src/app.ts");
    return appOf(input.stage);
  },
  // The parts in the order in which they stand up; each exports what the next ones need.
  async run() {
    await import("./src/network.ts");
    await import("./src/secrets.ts");
    await import("./src/database.ts");
    await import("./src/broker.ts");
    await import("./src/setup.ts");
    await import("./src/access.ts");
    await import("./src/engine.ts");
    await import("./src/store.ts");
    await import("./src/fleet.ts");
    await import("./src/lease.ts");
    await import("./src/steward.ts");
    await import("./src/observability.ts");
    const { outputs } = await import("./src/outputs.ts");
    return outputs;
  },
});
