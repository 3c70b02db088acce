// Money that is promised: held for a while, then committed, also in part, or released.

import { Decimal, Refused, type Tx } from "backstay";
import { move, type Account } from "./ledger";

type Promised = { account: Account; to: Account; amount: Decimal; text: string };

/** Holds an amount. The commit is refused if the account doesn't have it: the model says that no more is held than there is. */
export async function reserve(tx: Tx, promised: Promised): Promise<string> {
  return (await tx.holds.create(promised)).id;
}

/** Moves what is held: all that is left, or some. */
export async function commit(tx: Tx, id: string, some?: Decimal): Promise<string> {
  const { account: from, to, amount, captured, text, state } = await tx.holds.get(id);
  const left = new Decimal(amount.amount).minus(captured.amount);
  const taken = some ?? left;
  if (state !== "HELD" || taken.isMore(left)) throw new Refused("this much isn't held anymore", { code: "not-held" });
  const sum = taken.plus(captured.amount);
  await tx.holds.update(id, taken.equals(left) ? { captured: sum, state: "CAPTURED" } : { captured: sum });
  return move(tx, { from, to, amount: taken, text, hold: id });
}

/** Gives back what is left of a hold. One that has ended stays as it is. */
export async function release(tx: Tx, id: string): Promise<void> {
  const { state } = await tx.holds.get(id);
  if (state === "HELD") await tx.holds.update(id, { state: "RELEASED" });
}
