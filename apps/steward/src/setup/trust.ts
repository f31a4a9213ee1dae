/** Before the dashboard's API: lets it trust the database. */
import { TrustSettings } from "@hatchery/config";
import { writeCertificates } from "./certificates.ts";
import { runProgram } from "./program.ts";

await runProgram("trust", TrustSettings, async (settings) => writeCertificates(settings));
