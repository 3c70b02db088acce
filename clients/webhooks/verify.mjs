// Verifies a webhook with the public library: `node verify.mjs MESSAGE`, a file as `xtask/src/clients/webhooks.rs` writes it.

import { readFileSync } from "node:fs";
import { Webhook } from "standardwebhooks";

const { secret, headers, body } = JSON.parse(readFileSync(process.argv[2], "utf8"));
const webhook = new Webhook(secret);
const verified = webhook.verify(body, headers);
if (verified.type !== "tag.created" || verified.data.name !== "Hérons") throw new Error(`another message: ${body}`);
for (const [other, changed] of [[headers, `${body} `], [{ ...headers, "webhook-id": "msg_1" }, body]]) {
  let taken = true;
  try {
    webhook.verify(changed, other);
  } catch {
    taken = false;
  }
  if (taken) throw new Error("a message that was changed is taken");
}
