// The provider of payments. Both calls can be made again: the provider knows a payment by its id.

import type { Db } from "backstay";

async function call(db: Db, path: string, body: object): Promise<{ page: string }> {
  const { provider } = await db.shopSettings.get();
  const headers = { "content-type": "application/json" };
  const answer = await fetch(provider + path, { method: "POST", headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`the provider answered ${answer.status}`);
  return answer.json();
}

export const request = (db: Db, id: string, amount: object) => call(db, "payments", { id, amount });

export const refund = (db: Db, id: string) => call(db, `payments/${id}/refund`, {});
