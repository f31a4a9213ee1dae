/** What every part knows: the stage's name, its settings, and the account and region it stands in. */
import { isPermanentStage } from "@hatchery/config";
import { settingsOf } from "./settings-of.ts";

export const stage = $app.stage;
export const settings = settingsOf(stage);
export const isPermanent = isPermanentStage(stage, settings);

/** What AWS calls the stage's things: unique in an account and region. */
export const stageName = `hatchery-${stage}`;
export const region = aws.getRegionOutput().region;
export const accountId = aws.getCallerIdentityOutput().accountId;
export const partition = aws.getPartitionOutput().partition;

/** The ARN of something of this account and region. */
export const arn = (service: string, resource: $util.Input<string>) =>
  $interpolate`arn:${partition}:${service}:${region}:${accountId}:${resource}`;

/**
 * The name of one of SST's components that have versions. Where an interrupted deploy has made it and not yet noted its
 * version, SST takes it for the first one, and would refuse every later deploy; no stage has ever had that one.
 */
export function ofThisVersion(name: string): string {
  delete $cli.state.version[name];
  return name;
}
