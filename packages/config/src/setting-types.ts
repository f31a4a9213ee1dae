/**
 * The kinds of values that settings have. Each takes text, as an environment has it, and carries in its metadata what
 * is allowed in words (`error`) and an example, from which both the message and the documents are made.
 */
import { z } from "zod";
import { cpuChoices, gigabytes, listed } from "./fargate.ts";
import { FleetSetting } from "./fleets.ts";

/** What a setting may be, in words: for the message when it is not, and for the documents. */
const allowed = (what: string) => ({ error: `must be ${what}.` });

const exampleDigest = "0123456789abcdef".repeat(4);

export const wholeNumber = (from: number, to: number, example?: string) => {
  const rule = allowed(
    `a whole number from ${from.toLocaleString("en")} to ${to.toLocaleString("en")}`,
  );
  return z.coerce
    .number(rule)
    .int(rule)
    .min(from, rule)
    .max(to, rule)
    .meta({ ...rule, example });
};

export const usdAnHour = (example: string) => {
  const rule = allowed(`an amount of USD such as "${example}"`);
  return z.coerce
    .number(rule)
    .min(0, rule)
    .meta({ ...rule, example });
};

export const yesOrNo = () => {
  const rule = allowed('"true" or "false"');
  return z.stringbool(rule).meta(rule);
};

export const oneOf = <const Choices extends readonly [string, ...string[]]>(choices: Choices) => {
  const rule = allowed(listed(choices.map((choice) => `"${choice}"`)));
  return z.enum(choices, rule).meta(rule);
};

export const text = (what: string, pattern: RegExp, example: string) => {
  const rule = allowed(`${what} such as "${example}"`);
  return z
    .string(rule)
    .regex(pattern, rule)
    .meta({ ...rule, example });
};

/** "4vcpu" is "4 vCPU". */
const spaced = (unit: string) => (value: string) =>
  value.replace(new RegExp(`^([\\d.]+)\\s*${unit}$`, "i"), `$1 ${unit}`);

export const cpu = () => {
  const rule = allowed(`one of ${listed(cpuChoices.map((choice) => `"${choice}"`))}`);
  return z.string().transform(spaced("vCPU")).pipe(z.enum(cpuChoices, rule)).meta(rule);
};

const amount = (rule: { error: string }) =>
  z
    .string()
    .transform(spaced("GB"))
    .pipe(z.templateLiteral([z.number(), " GB"], rule));

export const memory = () => {
  const rule = allowed('an amount such as "2 GB" that Fargate has with this CPU');
  return amount(rule).meta(rule);
};

/** Any amount: a part of a task's memory or disk. */
export const share = (example: string) => {
  const rule = allowed(`an amount such as "${example}"`);
  return amount(rule).meta(rule);
};

/** A whole amount; without a unit that RDS does not have. */
export const storage = (from: number, to: number) => {
  const rule = allowed(`an amount from "${from} GB" to "${to} GB"`);
  const fits = (value: number) => Number.isInteger(value) && value >= from && value <= to;
  return amount(rule)
    .refine((value) => fits(gigabytes(value)), rule)
    .meta(rule);
};

export const domain = () => {
  const rule = allowed('a domain such as "acmelab.com", without "https://", or "false"');
  const label = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?";
  return z
    .string()
    .transform((value) => value.toLowerCase())
    .pipe(
      z
        .string()
        .max(200, rule)
        .regex(new RegExp(`^(${label}\\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$`), rule),
    )
    .meta({ ...rule, example: "acmelab.com" });
};

export const addressRanges = () => {
  const rule = allowed('IPv4 address ranges such as "203.0.113.7/32", separated by commas');
  return z
    .string()
    .transform((value) => [...new Set(value.split(/[\s,]+/).filter((range) => range !== ""))])
    .pipe(z.array(z.cidrv4(rule).refine(...startsAtItsFirst)).min(1, rule))
    .meta(rule);
};

/** AWS takes a range by its first address only, and says so in the middle of a deploy. */
const startsAtItsFirst = [
  (range: string) => range === fromFirstAddress(range),
  {
    error: ({ input }: { input?: unknown }) =>
      `must be ranges by their first address: "${fromFirstAddress(String(input))}" in place of "${String(input)}".`,
  },
] as const;

function fromFirstAddress(range: string): string {
  const [address = "", bits = ""] = range.split("/");
  const size = 2 ** (32 - Number(bits));
  const number = address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
  const first = number - (number % size);
  return `${[24, 16, 8, 0].map((shift) => (first >>> shift) & 255).join(".")}/${bits}`;
}

/** Text that is JSON; what it may hold is the schema's to say. */
const json = (rule: { error: string }) =>
  z.string().transform((value, context): unknown => {
    try {
      return JSON.parse(value);
    } catch {
      context.addIssue({ code: "custom", message: rule.error });
      return z.NEVER;
    }
  });

export const furtherFleets = () => {
  const example =
    '[{"name":"big","cpu":"16 vCPU","memory":"120 GB","max":10,"labels":{"memory":"big"}}]';
  const rule = allowed(`JSON such as ${example}`);
  return json(rule)
    .pipe(
      z
        .array(FleetSetting, rule)
        .refine((all) => new Set(all.map((fleet) => fleet.name)).size === all.length, {
          error: "must not name the same fleet twice.",
        }),
    )
    .meta({ ...rule, example });
};

const imageWithDigest = /^[a-z0-9][a-zA-Z0-9._/:-]*@sha256:[0-9a-f]{64}$/;

export const image = () =>
  text(
    "an image with its digest",
    imageWithDigest,
    `registry.example.com/models@sha256:${exampleDigest}`,
  );

/** JSON: name → image with its digest, for some of the names. */
export const images = <const Names extends readonly [string, ...string[]]>(names: Names) => {
  const example = `{"${names[0]}":"registry.example.com/hatchet-${names[0]}@sha256:${exampleDigest}"}`;
  const rule = allowed(`JSON of images with digests, by ${listed(names)}, such as ${example}`);
  const one = z.string(rule).regex(imageWithDigest, rule);
  return json(rule)
    .pipe(
      z.strictObject(
        Object.fromEntries(names.map((name) => [name, one.optional()])) as Record<
          Names[number],
          z.ZodOptional<typeof one>
        >,
        rule,
      ),
    )
    .meta({ ...rule, example });
};
