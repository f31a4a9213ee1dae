/** Open store: the store at an address, as every program is given one. */
import { createFolderStore } from "./store-folder.ts";
import type { Store } from "./store.ts";

export interface StoreOptions {
  /** Where `localFile` puts what it brings from afar; when absent, a folder that goes with this process. */
  readonly downloads?: string;
}

/** A folder's path, or s3://bucket/prefix: what AWS needs is loaded only for that. */
export async function openStore(address: string, options: StoreOptions = {}): Promise<Store> {
  if (!address.startsWith("s3://")) return createFolderStore(address);
  const { openS3Store } = await import("./store-s3.ts");
  return openS3Store(address, options);
}
