/** Postgres: everything that the engine knows. Results are not here but in the store. */
import { databaseUrl, gigabytes } from "@hatchery/config";
import { groups, network } from "./network.ts";
import { databasePassword, knownSecret } from "./secrets.ts";
import { isPermanent, settings, stageName } from "./settings.ts";

const name = "hatchet";
const major = "17";

const subnetGroup = new aws.rds.SubnetGroup("DatabaseSubnets", {
  name: stageName,
  subnetIds: network.databaseSubnets,
});

const parameters = new aws.rds.ParameterGroup("DatabaseParameters", {
  name: `${stageName}-postgres${major}`,
  family: `postgres${major}`,
  parameters: [
    { name: "rds.force_ssl", value: "1" },
    // The engine takes the database's clock for UTC.
    { name: "timezone", value: "UTC" },
  ],
});

const instance = new aws.rds.Instance("Database", {
  identifier: stageName,
  engine: "postgres",
  engineVersion: major,
  instanceClass: `db.${settings.DB_INSTANCE_TYPE}`,
  dbName: name,
  username: name,
  password: databasePassword,
  // RDS grows a volume only at 10 % free and once in six hours; so it starts large.
  allocatedStorage: gigabytes(settings.DB_STORAGE),
  maxAllocatedStorage: gigabytes(settings.DB_STORAGE) * 4,
  storageType: "gp3",
  storageEncrypted: true,
  dbSubnetGroupName: subnetGroup.name,
  vpcSecurityGroupIds: [groups.database.id],
  parameterGroupName: parameters.name,
  availabilityZone: network.databaseZone,
  publiclyAccessible: false,
  caCertIdentifier: "rds-ca-rsa2048-g1",
  autoMinorVersionUpgrade: true,
  applyImmediately: true,
  copyTagsToSnapshot: true,
  performanceInsightsEnabled: true,
  // A throw-away stage is not restored: its results are in the store.
  backupRetentionPeriod: isPermanent ? 7 : 0,
  deletionProtection: isPermanent,
  skipFinalSnapshot: !isPermanent,
  ...(isPermanent && { finalSnapshotIdentifier: `${stageName}-final` }),
});

export const database = {
  instance,
  /** With verified TLS: security groups say who may connect, the certificate says to whom. */
  url: knownSecret(
    "database-url",
    "The engine's way to its database",
    $util
      .all([instance.address, instance.port, databasePassword])
      .apply(([host, port, password]) => databaseUrl({ host, port, name, user: name, password })),
  ),
};
