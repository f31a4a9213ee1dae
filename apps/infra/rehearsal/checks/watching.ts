/** The lease that ends what is forgotten, alarms and dashboard, and the way in from outside. */
import {
  CloudWatchClient,
  GetDashboardCommand,
  ListDashboardsCommand,
  paginateDescribeAlarms,
} from "@aws-sdk/client-cloudwatch";
import {
  DescribeListenersCommand,
  ElasticLoadBalancingV2Client,
  paginateDescribeLoadBalancers,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import { GetScheduleCommand, SchedulerClient } from "@aws-sdk/client-scheduler";
import { all } from "../../src/account/left/scope.ts";
import { type Check, counted, exactly, must, none, some } from "../check.ts";
import { leaks } from "../secret-texts.ts";

export const watching: readonly Check[] = [
  {
    says: "each fleet has a schedule that sets it to zero when the lease ends",
    async look({ name, outputs, services, settings }) {
      const client = new SchedulerClient({});
      const ended: string[] = [];
      for (const address of outputs.leaseSchedule.split(",")) {
        const [GroupName, Name] = address.split("/");
        const schedule = await client.send(new GetScheduleCommand({ GroupName, Name }));
        const input = JSON.parse(schedule.Target?.Input ?? "{}") as Record<string, unknown>;
        const end = /^at\((.+)\)$/.exec(schedule.ScheduleExpression ?? "")?.[1];
        const hours = (Date.parse(`${end}Z`) - Date.now()) / 3_600_000;
        must(
          schedule.State === "ENABLED" &&
            schedule.Target?.Arn === "arn:aws:scheduler:::aws-sdk:ecs:updateService" &&
            input["Cluster"] === `hatchery-${name}` &&
            input["DesiredCount"] === 0 &&
            hours > settings.LEASE_HOURS - 1 &&
            hours <= settings.LEASE_HOURS,
          "The lease does not end as it should.",
          schedule,
        );
        ended.push(String(input["Service"]));
      }
      const fleets = services.flatMap(({ serviceName = "" }) =>
        serviceName.startsWith("fleet-") ? [serviceName] : [],
      );
      exactly(ended, fleets, "Fleets with a lease");
      return `${counted(ended.length, "schedule")}, ${settings.LEASE_HOURS} h`;
    },
  },
  {
    says: "alarms and dashboard look at what is there",
    async look({ name, secretTexts, services, settings }) {
      const client = new CloudWatchClient({});
      const alarms = await all(
        paginateDescribeAlarms({ client }, { AlarmNamePrefix: `hatchery-${name}-` }),
        (page) => page.MetricAlarms,
      );
      const names = new Set([
        `hatchery-${name}`,
        `hatchery-${name}-mailbox`,
        `hatchery-${name}-undelivered`,
        ...services.map(({ serviceName }) => serviceName),
      ]);
      none(
        some(alarms, "alarm").filter(({ Dimensions = [] }) =>
          Dimensions.some(({ Name, Value }) => Name !== "Broker" && !names.has(Value)),
        ),
        "An alarm looks at what is not there.",
      );
      const told = settings.ALARM_EMAIL === undefined ? 0 : 1;
      none(
        alarms.filter(({ AlarmActions = [] }) => AlarmActions.length !== told),
        `An alarm should tell ${told === 0 ? "nobody" : "somebody"}.`,
      );
      const { DashboardEntries = [] } = await client.send(
        new ListDashboardsCommand({ DashboardNamePrefix: `hatchery-${name}` }),
      );
      const DashboardName = DashboardEntries[0]?.DashboardName;
      const { DashboardBody = "{}" } = await client.send(
        new GetDashboardCommand({ DashboardName }),
      );
      const { widgets = [] } = JSON.parse(DashboardBody) as { widgets?: unknown[] };
      none(leaks(DashboardBody, secretTexts), "A secret is on the dashboard.");
      return `${counted(alarms.length, "alarm")}, ${counted(some(widgets, "widget on the dashboard").length, "widget")}`;
    },
  },
  {
    says: "there is a load balancer where a domain asks for it, with TLS on 443 and 8443, and 80 sends to 443",
    async look({ name, settings }) {
      const client = new ElasticLoadBalancingV2Client({});
      const balancers = await all(paginateDescribeLoadBalancers({ client }, {}), (page) =>
        page.LoadBalancers?.filter((each) => each.LoadBalancerName === `hatchery-${name}`),
      );
      const isWanted = settings.ROOT_DOMAIN !== undefined;
      must(
        balancers.length === Number(isWanted),
        `There should be ${isWanted ? "one load balancer" : "no load balancer"}.`,
        balancers,
      );
      if (!isWanted) return "none";
      const { Listeners = [] } = await client.send(
        new DescribeListenersCommand({ LoadBalancerArn: balancers[0]?.LoadBalancerArn }),
      );
      const lines = Listeners.map(
        ({ DefaultActions, Port, Protocol, SslPolicy = "-" }) =>
          `${Port} ${Protocol} ${DefaultActions?.[0]?.Type} ${SslPolicy}`,
      ).toSorted();
      const tls = "ELBSecurityPolicy-TLS13-1-2-2021-06";
      const wanted = ["443 HTTPS forward", "8443 HTTPS forward"].map((line) => `${line} ${tls}`);
      const rest = lines.filter((line) => !wanted.includes(line));
      must(
        lines.length === 3 && rest.length === 1 && rest[0]?.startsWith("80 HTTP redirect") === true,
        "The load balancer does not listen as it should.",
        Listeners,
      );
      return counted(Listeners.length, "listener");
    },
  },
];
