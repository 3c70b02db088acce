import { Decimal, type FunctionContext } from "backstay";
import { commit, release as giveBack, reserve } from "./lib/holds";
import { move } from "./lib/ledger";

type Payment = { from: string; to: string; amount: string; text: string };

export async function transfer({ payment }: { payment: Payment }, { db }: FunctionContext) {
  const [from, to] = [{ number: payment.from }, { number: payment.to }];
  return db.transaction((tx) => move(tx, { from, to, amount: new Decimal(payment.amount), text: payment.text }));
}

export async function authorize({ payment }: { payment: Payment }, { db }: FunctionContext) {
  const [account, to] = [{ number: payment.from }, { number: payment.to }];
  return db.transaction((tx) => reserve(tx, { account, to, amount: new Decimal(payment.amount), text: payment.text }));
}

export async function capture({ hold, amount }: { hold: string; amount: string | null }, { db }: FunctionContext) {
  return db.transaction((tx) => commit(tx, hold, amount === null ? undefined : new Decimal(amount)));
}

export async function release({ hold }: { hold: string }, { db }: FunctionContext) {
  await db.transaction((tx) => giveBack(tx, hold));
  return hold;
}
