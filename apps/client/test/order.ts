// Places an order, reads it and calls it off, through the generated client; prints what it saw as one
// line of JSON. Usage: GETIT_TOKEN=... node dist/test/order.js http://127.0.0.1:8080
import process from "node:process";
import { createClient, type OrderRequest } from "../src/client.js";

const [base] = process.argv.slice(2);
const token = process.env["GETIT_TOKEN"];
if (!base || !token) throw new Error("give central's address, and a customer's token in GETIT_TOKEN");
const client = createClient(base, token);

const body: OrderRequest = {
  reference: "C-1",
  customer: { name: "রহিম উদ্দিন", phone: "01712345678" },
  address: { district: "Dhaka", upazila: "Savar", line: "House 7, Road 3" },
  payment: "cod",
  delivery: "door",
  items: [{ vendor: "meghna", sku: "RICE", qty: 2, unit_price_paisa: 100_000 }],
};
const header = { "Idempotency-Key": "generated-client-1" };
const placed = await client.POST("/api/v1/orders", { params: { header }, body });
const again = await client.POST("/api/v1/orders", { params: { header }, body });
if (!placed.data || !again.data) throw new Error(JSON.stringify(placed.error ?? again.error));

const path = { id: placed.data.order };
const read = await client.GET("/api/v1/orders/{id}", { params: { path } });
const cancelled = await client.POST("/api/v1/orders/{id}/cancel", { params: { path } });
const cheap = { ...body, items: [{ vendor: "meghna", sku: "RICE", qty: 1, unit_price_paisa: 1 }] };
const refused = await client.POST("/api/v1/orders", {
  params: { header: { "Idempotency-Key": "generated-client-2" } },
  body: cheap,
});

process.stdout.write(
  JSON.stringify({
    statuses: [placed, again, read, cancelled, refused].map((answer) => answer.response.status),
    same: placed.data.order === again.data.order,
    reference: read.data?.reference,
    total_paisa: read.data?.total_paisa,
    before: read.data?.status,
    after: cancelled.data?.status,
    code: refused.error?.code,
    next: refused.error?.next,
  }) + "\n",
);
