"""Verifies a webhook with the public library: `verify.py MESSAGE`, a file as `xtask/src/clients/webhooks.rs` writes it."""

import json
import sys

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

with open(sys.argv[1], encoding="utf-8") as file:
    message = json.load(file)
headers, body = message["headers"], message["body"]
webhook = Webhook(message["secret"])
verified = webhook.verify(body, headers)
if (verified["type"], verified["data"]["name"]) != ("tag.created", "Hérons"):
    sys.exit(f"another message: {body}")
for other, changed in [(headers, body + " "), (headers | {"webhook-id": "msg_1"}, body)]:
    try:
        webhook.verify(changed, other)
    except WebhookVerificationError:
        continue
    sys.exit("a message that was changed is taken")
