/** Log groups, alarms, dashboards, schedules, roles: what watches a stage and what lets it act. */
import {
  CloudWatchClient,
  paginateDescribeAlarms,
  paginateListDashboards,
} from "@aws-sdk/client-cloudwatch";
import { CloudWatchLogsClient, paginateDescribeLogGroups } from "@aws-sdk/client-cloudwatch-logs";
import { IAMClient, paginateListInstanceProfiles, paginateListRoles } from "@aws-sdk/client-iam";
import { SchedulerClient, paginateListSchedules } from "@aws-sdk/client-scheduler";
import { prices, rolePath } from "@hatchery/config";
import { type Leftover, type Scope, all } from "./scope.ts";

const ofStage = "part of the stage";

/** The stage's own, and those that AWS's services make for it without telling anybody. */
export async function leftLogs(scope: Scope): Promise<Leftover[]> {
  const client = new CloudWatchLogsClient({});
  const prefixes = [
    `/hatchery/${scope.stage}/`,
    `/aws/rds/instance/${scope.name}/`,
    `/aws/ecs/containerinsights/${scope.name}/`,
    `/sst/cluster/${scope.name}/`,
  ];
  const found = await Promise.all(
    prefixes.map((logGroupNamePrefix) =>
      all(paginateDescribeLogGroups({ client }, { logGroupNamePrefix }), (page) => page.logGroups),
    ),
  );
  return found.flat().map(({ logGroupName = "", storedBytes = 0 }) => ({
    kind: "log group",
    remove: `logs delete-log-group --log-group-name ${logGroupName}`,
    name: logGroupName,
    why: logGroupName.startsWith("/aws/") ? "made by AWS itself for the stage" : ofStage,
    usdPerMonth: (storedBytes / 1e9) * prices.logsKeptGbMonth,
  }));
}

export async function leftAlarms(scope: Scope): Promise<Leftover[]> {
  const client = new CloudWatchClient({});
  const [alarms, dashboards] = await Promise.all([
    all(
      paginateDescribeAlarms({ client }, { AlarmNamePrefix: scope.name }),
      (page) => page.MetricAlarms,
    ),
    all(
      paginateListDashboards({ client }, { DashboardNamePrefix: scope.name }),
      (page) => page.DashboardEntries,
    ),
  ]);
  return [
    ...alarms
      .filter((alarm) => scope.isOurs(alarm.AlarmName))
      .map((alarm) => ({
        kind: "alarm",
        remove: `cloudwatch delete-alarms --alarm-names ${alarm.AlarmName}`,
        name: alarm.AlarmName ?? "",
        why: ofStage,
        usdPerMonth: prices.alarmMonth,
      })),
    ...dashboards
      .filter((dashboard) => scope.isOurs(dashboard.DashboardName))
      .map((dashboard) => ({
        kind: "CloudWatch dashboard",
        remove: `cloudwatch delete-dashboards --dashboard-names ${dashboard.DashboardName}`,
        name: dashboard.DashboardName ?? "",
        why: ofStage,
        usdPerMonth: prices.dashboardMonth,
      })),
  ];
}

export async function leftSchedules(scope: Scope): Promise<Leftover[]> {
  const client = new SchedulerClient({});
  const schedules = await all(
    paginateListSchedules({ client }, { NamePrefix: scope.name }),
    (page) => page.Schedules,
  );
  return schedules
    .filter((schedule) => scope.isOurs(schedule.Name))
    .map((schedule) => ({
      kind: "schedule",
      remove: `scheduler delete-schedule --group-name ${schedule.GroupName} --name ${schedule.Name}`,
      name: `${schedule.GroupName}/${schedule.Name}`,
      why: ofStage,
      usdPerMonth: 0,
    }));
}

/** AWS's lists by tag do not have them: by the path of the stage's own, and by the names that SST gives. */
export async function leftRoles(scope: Scope): Promise<Leftover[]> {
  const client = new IAMClient({});
  const [roles, profiles] = await Promise.all([
    all(paginateListRoles({ client }, {}), (page) => page.Roles),
    all(paginateListInstanceProfiles({ client }, {}), (page) => page.InstanceProfiles),
  ]);
  const left = (kind: string, name = "") => ({ kind, name, why: ofStage, usdPerMonth: 0 });
  return [
    ...roles
      .filter((role) => role.Path === rolePath(scope.stage) || scope.isOurs(role.RoleName))
      .map((role) => left("IAM role", role.RoleName)),
    ...profiles
      // Its own name is SST's and says nothing; the role in it does.
      .filter((profile) => profile.Roles?.some((role) => scope.isOurs(role.RoleName)))
      .map((profile) => left("IAM instance profile", profile.InstanceProfileName)),
  ];
}
