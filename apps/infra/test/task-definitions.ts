/**
 * The task definitions of a stage as AWS answers them: those of a rehearsal, in the file that HATCHERY_TASK_DEFINITIONS
 * names, or those that infra itself asks for when its resource graph is evaluated.
 */
import { readFileSync } from "node:fs";
import type { TaskDefinition } from "@aws-sdk/client-ecs";
import { images } from "../laws/combinations.ts";
import { evaluate } from "../laws/graph.ts";
import { setup as ensurePlatform } from "../laws/platform.ts";

export interface StageTasks {
  readonly setup: TaskDefinition;
  readonly engine: TaskDefinition;
  readonly worker: TaskDefinition;
  readonly steward: TaskDefinition;
}

export async function taskDefinitions(
  stage: string,
  settings: Readonly<Record<string, string>> = {},
): Promise<StageTasks> {
  ensurePlatform();
  const graph = await evaluate({ ...images, ...settings }, stage);
  const definition = (name: string) => {
    const { props } = graph.named(`${name}Definition`);
    const containerDefinitions = JSON.parse(props["containerDefinitions"] as string) as unknown;
    return { ...props, containerDefinitions } as TaskDefinition;
  };
  return {
    setup: definition("Setup"),
    engine: definition("Engine"),
    worker: definition("FleetDefault"),
    steward: definition("Steward"),
  };
}

/** Those of a rehearsal, where there is one. */
export function rehearsedDefinitions(): StageTasks | undefined {
  const file = process.env["HATCHERY_TASK_DEFINITIONS"];
  return file === undefined ? undefined : (JSON.parse(readFileSync(file, "utf8")) as StageTasks);
}

/** What a plain variable of one of the task's containers says. */
export function variable({ containerDefinitions }: TaskDefinition, name: string): string {
  const variables = containerDefinitions!.flatMap(({ environment = [] }) => environment);
  const found = variables.find((each) => each.name === name);
  if (found?.value === undefined) throw new Error(`The task definition has no variable "${name}".`);
  return found.value;
}
