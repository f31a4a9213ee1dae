// Pulumi would compile an index.ts by a compiler of its own; what is imported from here Node runs as it is.
export { pack } from "./pack.ts";
