/** Numbers as a person types them behind a command. */
import { UserError, exitCodes } from "@hatchery/config";

/** NaN for what is no number. An empty text is none, whatever JavaScript says. */
export const readNumber = (text: string) => (text.trim() === "" ? Number.NaN : Number(text));

/** A parser of the option or argument `name`, for commander: what is no number is said as it was typed. */
export function numberOption(name: string): (text: string) => number {
  return (text) => {
    const number = readNumber(text);
    if (!Number.isNaN(number)) return number;
    throw new UserError(`${name} ${JSON.stringify(text)} is not a number.`, {
      ...(hasSeparators.test(text) && {
        hint: `Write it without separators:  ${text.replaceAll(separator, "")}`,
      }),
      exitCode: exitCodes.wrongUsage,
    });
  };
}

const separator = /[,_' ]/g;
const hasSeparators = /^\d{1,3}([,_' ]\d{3})+(\.\d+)?$/;
