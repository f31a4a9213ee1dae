import type { z } from "zod";
export function readEnv<T extends z.ZodObject>(schema: T, environment: NodeJS.ProcessEnv, _who: string): z.output<T> {
  return schema.parse(environment) as z.output<T>;
}
export function loadStageSettings(_stage: string, _o: { root: string; environment: NodeJS.ProcessEnv }): { BROKER: "postgres" | "rabbitmq"; WORKER_COUNT?: number; LOCAL_DATABASE_PORT?: number; LOCAL_GRPC_PORT?: number; LOCAL_API_PORT?: number } {
  return { BROKER: _o.environment["BROKER"] === "rabbitmq" ? "rabbitmq" : "postgres" };
}
