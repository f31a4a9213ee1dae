/** One dashboard and six alarms: what a person looks at when it is slow, and what tells them when nobody looks. */
import { broker } from "./broker.ts";
import { database } from "./database.ts";
import { stageFleets } from "./fleet.ts";
import { region, settings, stageName } from "./settings.ts";
import { mailbox } from "./store.ts";

const topic =
  settings.ALARM_EMAIL === undefined
    ? undefined
    : new aws.sns.Topic("Alarms", { name: `${stageName}-alarms` });
if (topic && settings.ALARM_EMAIL !== undefined)
  new aws.sns.TopicSubscription("AlarmMail", {
    topic: topic.arn,
    protocol: "email",
    endpoint: settings.ALARM_EMAIL,
  });

interface Watched {
  readonly namespace: string;
  readonly metricName: string;
  readonly dimensions: Record<string, $util.Input<string>>;
}

const ofDatabase = (metricName: string): Watched => ({
  namespace: "AWS/RDS",
  metricName,
  dimensions: { DBInstanceIdentifier: database.instance.identifier },
});
const ofService = (service: string, metricName: string): Watched => ({
  namespace: "AWS/ECS",
  metricName,
  dimensions: { ClusterName: stageName, ServiceName: service },
});
const ofQueue = (queue: aws.sqs.Queue, metricName: string): Watched => ({
  namespace: "AWS/SQS",
  metricName,
  dimensions: { QueueName: queue.name },
});

type Comparison = Pick<
  aws.cloudwatch.MetricAlarmArgs,
  "comparisonOperator" | "threshold" | "statistic" | "evaluationPeriods" | "treatMissingData"
>;

const above = (threshold: number, minutes: number): Comparison => ({
  comparisonOperator: "GreaterThanThreshold",
  threshold,
  statistic: "Maximum",
  evaluationPeriods: minutes / 5,
  treatMissingData: "notBreaching",
});
const below = (threshold: number, minutes: number): Comparison => ({
  ...above(threshold, minutes),
  comparisonOperator: "LessThanThreshold",
  statistic: "Minimum",
});

function alarm(name: string, description: string, watched: Watched, comparison: Comparison) {
  const actions = topic ? [topic.arn] : [];
  new aws.cloudwatch.MetricAlarm(name, {
    name: `${stageName}-${name.replace(/(?!^)[A-Z]/g, (letter) => `-${letter}`).toLowerCase()}`,
    alarmDescription: description,
    ...watched,
    ...comparison,
    period: 300,
    alarmActions: actions,
    okActions: actions,
  });
}

const gigabyte = 1024 ** 3;

// A service without tasks reports no CPU at all, so that missing data is the alarm.
alarm(
  "EngineDown",
  "The engine does not run: nothing is computed. Its last words are in its log group.",
  ofService("engine", "CPUUtilization"),
  { ...below(0, 15), treatMissingData: "breaching" },
);
alarm(
  "EngineMemory",
  "The engine is short of memory: raise ENGINE_MEMORY.",
  ofService("engine", "MemoryUtilization"),
  above(90, 15),
);
alarm(
  "StewardDown",
  "The steward does not run: requests wait in the mailbox, fleets keep their size until the lease ends.",
  ofService("steward", "CPUUtilization"),
  { ...below(0, 15), treatMissingData: "breaching" },
);
alarm(
  "DatabaseStorage",
  "The database has less than 10 GB left: lower ENGINE_RETENTION_HOURS or raise DB_STORAGE.",
  ofDatabase("FreeStorageSpace"),
  below(10 * gigabyte, 10),
);
alarm(
  "DatabaseCpu",
  "The database is at its limit: choose a larger DB_INSTANCE_TYPE or longer chunks.",
  ofDatabase("CPUUtilization"),
  above(90, 30),
);
alarm(
  "UndeliveredRequests",
  "A request could not be handled and was put aside. The steward's log says why.",
  ofQueue(mailbox.undelivered, "ApproximateNumberOfMessagesVisible"),
  above(0, 5),
);

type Line = readonly [namespace: string, metric: string, ...dimensions: $util.Input<string>[]];

const lineOf = ({ namespace, metricName, dimensions }: Watched): Line => [
  namespace,
  metricName,
  ...Object.entries(dimensions).flat(),
];

const widget = (title: string, watched: readonly Watched[], stat = "Average") => ({
  type: "metric",
  width: 12,
  height: 6,
  properties: { title, region, stat, period: 60, view: "timeSeries", metrics: watched.map(lineOf) },
});

export const dashboard = new aws.cloudwatch.Dashboard("Dashboard", {
  dashboardName: stageName,
  dashboardBody: $jsonStringify({
    widgets: [
      // ECS reports one CPU sample for each task and minute: their number is the number of workers.
      widget(
        "Workers",
        stageFleets.map(({ name }) => ofService(name, "CPUUtilization")),
        "SampleCount",
      ),
      widget(
        "CPU of workers, %",
        stageFleets.map(({ name }) => ofService(name, "CPUUtilization")),
      ),
      widget("Engine and steward, %", [
        ofService("engine", "CPUUtilization"),
        ofService("engine", "MemoryUtilization"),
        ofService("steward", "CPUUtilization"),
        ofService("steward", "MemoryUtilization"),
      ]),
      widget("Requests waiting", [
        ofQueue(mailbox.queue, "ApproximateNumberOfMessagesVisible"),
        ofQueue(mailbox.undelivered, "ApproximateNumberOfMessagesVisible"),
      ]),
      widget("CPU of the database, %", [ofDatabase("CPUUtilization")]),
      widget("Connections to the database", [ofDatabase("DatabaseConnections")]),
      widget("Free storage of the database", [ofDatabase("FreeStorageSpace")]),
      widget("Reads and writes of the database, per second", [
        ofDatabase("ReadIOPS"),
        ofDatabase("WriteIOPS"),
      ]),
      ...(broker
        ? [
            widget("Messages in the broker", [
              {
                namespace: "AWS/AmazonMQ",
                metricName: "MessageReadyCount",
                dimensions: { Broker: broker.instance.brokerName },
              },
            ]),
          ]
        : []),
    ],
  }),
});
