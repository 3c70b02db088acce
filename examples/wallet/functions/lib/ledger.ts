// Money moves by transfers with two entries each.

import { Decimal, type Tx } from "backstay";

/** An account by its id or its number. */
export type Account = string | { number: string };
type Move = { from: Account; to: Account; amount: Decimal; text: string; hold?: string };

/** Moves money between two accounts. */
export async function move(tx: Tx, { from, to, amount, text, hold }: Move): Promise<string> {
  const entries = [
    { account: from, amount: amount.negated() },
    { account: to, amount },
  ];
  return (await tx.transfers.create({ from, to, amount, text, hold, entries })).id;
}
