/**
 * Lease: until when the stage may have workers without work. Schedules of EventBridge, which need neither engine nor
 * steward, set the fleets to zero when it ends; while there is work, the steward moves that moment on.
 */
import {
  GetScheduleCommand,
  SchedulerClient,
  UpdateScheduleCommand,
  type GetScheduleOutput,
} from "@aws-sdk/client-scheduler";
import type { Logger } from "pino";

export interface Lease {
  /** Undefined where there is none, or as long as it could not be read. */
  endsAt(): Date | undefined;
  isOver(): boolean;
  /** Moves the end on, where that is due. Never rejects: workers are not to wait for their brake. */
  renew(): Promise<void>;
}

/** The end need not be known to the minute, and the scheduler's API allows few requests. */
const renewEveryMs = 5 * 60_000;
/** After an error. */
const tryAgainMs = 30_000;

const noLease: Lease = {
  endsAt: () => undefined,
  isOver: () => false,
  renew: async () => undefined,
};

/** "none", or the schedules of the stage's fleets as `<group>/<name>`, separated by commas. */
export async function openLease(address: string, hours: number, logger: Logger): Promise<Lease> {
  if (address === "none") return noLease;
  const client = new SchedulerClient({});
  const schedules = address.split(",").map((each): Schedule => {
    const [GroupName, Name] = each.split("/");
    return { GroupName, Name };
  });
  let end = await readEnd().catch(tell);
  let nextTryMs = -Infinity;

  /** The earliest: a fleet that one schedule has set to zero must not be raised again by us. */
  async function readEnd(): Promise<Date> {
    const ends = await Promise.all(
      schedules.map(async (schedule) => endOf(await client.send(new GetScheduleCommand(schedule)))),
    );
    return new Date(Math.min(...ends.map((each) => each.getTime())));
  }

  function tell(error: unknown): undefined {
    logger.error({ error: error instanceof Error ? error.message : String(error) }, "lease");
  }

  return {
    endsAt: () => end,
    isOver: () => end !== undefined && end.getTime() <= Date.now(),
    async renew() {
      const next = new Date(Date.now() + hours * 3_600_000);
      const isDue = end === undefined || next.getTime() - end.getTime() >= renewEveryMs;
      if (!isDue || performance.now() < nextTryMs) return;
      try {
        await Promise.all(schedules.map((schedule) => move(client, schedule, next)));
        end = next;
        logger.info({ end }, "lease renewed");
      } catch (error) {
        nextTryMs = performance.now() + tryAgainMs;
        tell(error);
      }
    },
  };
}

interface Schedule {
  readonly GroupName: string | undefined;
  readonly Name: string | undefined;
}

async function move(client: SchedulerClient, schedule: Schedule, end: Date): Promise<void> {
  const found = await client.send(new GetScheduleCommand(schedule));
  // An update replaces the whole schedule: what is not said again is lost.
  await client.send(
    new UpdateScheduleCommand({
      ...schedule,
      Description: found.Description,
      FlexibleTimeWindow: found.FlexibleTimeWindow,
      Target: found.Target,
      KmsKeyArn: found.KmsKeyArn,
      // It must be there for the next lease; and one that a person has switched off is on again.
      ActionAfterCompletion: "NONE",
      State: "ENABLED",
      ScheduleExpression: `at(${end.toISOString().slice(0, 19)})`,
      ScheduleExpressionTimezone: "UTC",
    }),
  );
}

function endOf({ Name, ScheduleExpression }: GetScheduleOutput): Date {
  const time = /^at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)$/.exec(ScheduleExpression ?? "")?.[1];
  if (time === undefined)
    throw new Error(`The schedule ${Name} has no end: ${ScheduleExpression}.`);
  return new Date(`${time}Z`);
}
