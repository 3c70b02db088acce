import { Problem, Refused, type FunctionContext, type Tx } from "backstay";
import { reserve } from "./lib/holds";
import { request } from "./lib/provider";

export async function checkout({ cart }: { cart: string }, { db, log }: FunctionContext): Promise<string> {
  const order = await db.transaction((tx) => place(tx, cart)).catch(explain);
  const { payment } = await db.orders.get(order, { select: { payment: { id: true, amount: true, page: true, state: true } } });
  if (payment?.state === "REQUESTED" && payment.page === null) {
    try {
      const { page } = await request(db, payment.id, payment.amount);
      await db.payments.update(payment.id, { page });
    } catch (error) {
      // The order stays. The customer asks again, or the provider tells us about the payment.
      log.warn("no answer of the provider", String(error));
    }
  }
  return order;
}

/** The one thing that the model may refuse in an order is to hold more units than there are. */
function explain(error: unknown): never {
  if (!(error instanceof Problem) || error.code !== "invalid-values") throw error;
  throw new Refused("not that many are left", { code: "sold-out" });
}

/** Makes the order, and holds what it needs: in one commit, or not at all. */
async function place(tx: Tx, id: string): Promise<string> {
  const cart = await tx.carts.get(id, { select: { order: { id: true }, items: { product: true, quantity: true } } });
  if (cart.order !== null) return cart.order.id;
  if (cart.items.length === 0) throw new Refused("the cart is empty", { code: "empty-cart" });

  const { holdSeconds } = await tx.shopSettings.peek.get();
  const until = new Date(Date.now() + holdSeconds * 1000).toISOString();
  const order = (await tx.orders.create({ cart: id, expiresAt: until })).id;
  for (const { product, quantity } of cart.items) {
    const line = (await tx.orderLines.create({ order, product, quantity })).id;
    await reserve(tx, { product, line, quantity, until });
  }
  await tx.payments.create({ order });
  return order;
}
