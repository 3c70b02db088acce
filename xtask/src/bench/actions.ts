import type { FunctionContext } from "backstay";

type Item = { product: string; quantity: number };

export const nothing = () => 0;

/** An order with its lines, and a hold for each: one commit, as in examples/shop. */
export async function checkout({ items }: { items: Item[] }, { db }: FunctionContext) {
  const until = new Date(Date.now() + 3_600_000).toISOString();
  return db.transaction(async (tx) => {
    const order = (await tx.orders.create({})).id;
    for (const { product: code, quantity } of items) {
      await tx.lines.create({ order, product: { code }, quantity });
      await tx.holds.create({ product: { code }, quantity, until });
    }
    return order;
  });
}
