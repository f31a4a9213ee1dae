/**
 * The store on AWS: one bucket for every stage of an account and region, beside all stacks, so that a teardown cannot
 * touch it and the next stage finds it. Made by apps/infra/src/account/ensure-store.ts; named by the parts.
 */
export interface AwsPlace {
  /** Twelve digits. */
  readonly accountId: string;
  readonly region: string;
}

export const storeBucket = ({ accountId, region }: AwsPlace) => `hatchery-${accountId}-${region}`;
export const storeAddress = (place: AwsPlace) => `s3://${storeBucket(place)}`;
