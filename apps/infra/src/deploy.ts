/** Deploying a stage on AWS is not there yet, and says so: a deploy that did nothing must not look like one that worked. */
process.stderr.write(
  "Deploying a stage on AWS is not part of this version: only stages on this machine are.\n\nRun one here:  pnpm quickstart\n",
);
process.exitCode = 1;
