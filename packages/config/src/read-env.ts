/** What a program is given by whoever starts it, read from its environment. */
import { type z } from "zod";
import { listed } from "./fargate.ts";
import { type WrongSetting, settingsError } from "./settings-report.ts";

/**
 * The environment as the schema says, or one UserError that names everything that is missing or wrong.
 * `who` is the program, for the message: "worker".
 */
export function readEnv<Shape extends z.core.$ZodShape>(
  schema: z.ZodObject<Shape>,
  environment: NodeJS.ProcessEnv,
  who: string,
): z.output<z.ZodObject<Shape>> {
  // An empty value is no value.
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ""));
  const parsed = schema.safeParse(given, { error: reason });
  if (parsed.success) return parsed.data;
  const wrong = new Map<string, WrongSetting>();
  for (const issue of parsed.error.issues) {
    const name = String(issue.path[0]);
    const value = given[name];
    if (!wrong.has(name))
      wrong.set(name, {
        name,
        value,
        reason: value === undefined ? missing(schema, name) : issue.message,
        source: undefined,
      });
  }
  throw settingsError([...wrong.values()], {
    whose: `the ${who}`,
    hint: "They are given by whoever starts it: a stage on this machine (pnpm hatchery up), or a deploy.",
  });
}

function missing<Shape extends z.core.$ZodShape>(schema: z.ZodObject<Shape>, name: string): string {
  const field = schema.shape[name] as z.ZodType | undefined;
  return `is missing. ${field?.description ?? ""}`.trim();
}

/** Zod's issues as they go on after a name; undefined leaves zod's own words. */
function reason(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code === "invalid_value")
    return `must be ${listed(issue.values.map((value) => `"${String(value)}"`))}.`;
  if (issue.code === "too_small") return `must be at least ${issue.minimum}.`;
  if (issue.code === "too_big") return `must be at most ${issue.maximum}.`;
  if (issue.code === "invalid_type")
    return issue.expected === "int" ? "must be a whole number." : `must be a ${issue.expected}.`;
  if (issue.code !== "invalid_format") return undefined;
  return issue.format === "url"
    ? 'must be a URL such as "http://127.0.0.1:8080".'
    : `must look like ${issue.pattern ?? issue.format}.`;
}
