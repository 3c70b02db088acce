import { Refused, type FunctionContext, type Tx } from "backstay";
import { commit, release, reserve } from "./lib/holds";
import { refund } from "./lib/provider";

type Event = { type: string; payment: string };

/** Events come late, twice and in any order, so what they do depends on what is stored, never on the ones before. */
export async function paymentEvent({ type, payment }: Event, { db }: FunctionContext) {
  const state = await db.transaction((tx) => tell(tx, type, payment));
  if (state !== "REFUND_DUE") return state;
  // If this fails, the provider has no answer to its event, and sends it again.
  await refund(db, payment);
  await db.payments.update(payment, { state: "REFUNDED" });
  return "REFUNDED";
}

async function tell(tx: Tx, type: string, id: string) {
  const payment = await tx.payments.find(id);
  if (payment === null) throw new Refused("there is no such payment", { code: "unknown-payment" });
  const isOpen = payment.state === "REQUESTED" || payment.state === "FAILED";
  if (type === "payment.captured" && isOpen) return captured(tx, id, payment.order);
  if (type === "payment.failed" && payment.state === "REQUESTED") return failed(tx, id, payment.order);
  return payment.state;
}

async function captured(tx: Tx, id: string, order: string) {
  const { items: lines } = await tx.orderLines.list({
    filter: "order == $order",
    params: { order },
    limit: 100,
    select: { id: true, product: true, quantity: true, holds: { $filter: "state == 'HELD'", id: true } },
  });
  // Units whose time is over may have gone to others.
  for (const { product, quantity, holds } of lines) {
    const { available } = holds.length > 0 ? { available: quantity } : await tx.products.get(product);
    if ((available ?? 0) < quantity) return mark(tx, id, "REFUND_DUE");
  }
  for (const { id: line, product, quantity, holds } of lines) {
    const until = new Date(Date.now() + 60_000).toISOString();
    const hold = holds[0]?.id ?? (await reserve(tx, { product, line, quantity, until }));
    await commit(tx, hold, "sold");
  }
  await tx.orders.update(order, { state: "PAID" });
  return mark(tx, id, "CAPTURED");
}

async function failed(tx: Tx, id: string, order: string) {
  const { items: holds } = await tx.holds.list({ filter: "line.order == $order", params: { order }, limit: 100 });
  for (const { id: hold } of holds) await release(tx, hold);
  const { state } = await tx.orders.get(order);
  if (state === "AWAITING_PAYMENT") await tx.orders.update(order, { state: "CANCELED" });
  return mark(tx, id, "FAILED");
}

async function mark(tx: Tx, id: string, state: "CAPTURED" | "FAILED" | "REFUND_DUE") {
  await tx.payments.update(id, { state });
  return state;
}
