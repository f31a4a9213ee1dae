/** Calls to AWS: what it refuses is told in our words, what it does not know is told apart. */
import { awsUserError } from "@hatchery/config";

/** Runs a call. `what` begins the sentence about what went wrong: 'The bucket "…"'. */
export async function asking<T>(what: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw awsUserError(error, what) ?? error;
  }
}

/** Whether AWS says that a thing is not there, which is success for whoever wants it gone. */
export function isAbsent(error: unknown): boolean {
  return error instanceof Error && /NotFound|NoSuch|NonExistent|DoesNotExist/.test(error.name);
}
