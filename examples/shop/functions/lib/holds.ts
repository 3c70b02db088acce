// Stock that is promised: units are held for a while, then committed, also in part, or released.

import { Refused, type Tx } from "backstay";

export type Promised = { product: string; line: string; quantity: number; until: string };

/** Holds units. The commit is refused if they aren't there: the model says that no more is reserved than on hand. */
export async function reserve(tx: Tx, promised: Promised): Promise<string> {
  return (await tx.holds.create(promised)).id;
}

/** Takes held units out of the stock: all that are left, or some. */
export async function commit(tx: Tx, hold: string, reason: string, some?: number): Promise<void> {
  const { product, quantity, taken, state } = await tx.holds.get(hold);
  const left = quantity - taken;
  const units = some ?? left;
  if (state !== "HELD" || units > left) throw new Refused("these units aren't held anymore", { code: "not-held" });
  await tx.holds.update(hold, units === left ? { taken: quantity, state: "COMMITTED" } : { taken: taken + units });
  await tx.movements.create({ product, quantity: -units, reason });
}

/** Gives what is left of a hold to others. One that has ended stays as it is. */
export async function release(tx: Tx, hold: string): Promise<void> {
  const { state } = await tx.holds.get(hold);
  if (state === "HELD") await tx.holds.update(hold, { state: "RELEASED" });
}
