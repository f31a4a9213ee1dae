/** Results: reading, merging and explaining what an experiment came to. Apart from the rest, because it brings DuckDB. */
export * from "./dataset-query.ts";
export * from "./dataset.ts";
export * from "./import-rows.ts";
export * from "./report.ts";
export * from "./summary-format.ts";
export * from "./summary-text.ts";
export * from "./summary.ts";
