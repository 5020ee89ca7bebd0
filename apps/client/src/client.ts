// A typed client of central. `schema.ts` is generated: change central, then run
// `UPDATE_EXPECT=1 cargo test --workspace --test system api::client`.
import createFetchClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

export type Schemas = components["schemas"];
export type OrderRequest = Schemas["OrderRequest"];
export type OrderView = Schemas["OrderView"];
export type Placed = Schemas["Placed"];
export type Problem = Schemas["Problem"];

/** A client for one token, of one role. */
export function createClient(baseUrl: string, token: string) {
  return createFetchClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${token}` } });
}
