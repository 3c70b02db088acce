// `mail` of functions: mail that a job sends.

import { ask, block, here, provide, strict } from "backstay:run";

const MAIL = ["language", "template", "to", "values"];

const mail = strict({
  /** Queues a mail: in the transaction that is open, or by itself. Answers the id of its job. */
  async send(message) {
    if (typeof message !== "object" || message === null) {
      throw new TypeError('mail.send takes a mail: mail.send({ to, template: "welcome", values: { … } })');
    }
    const unknown = Object.keys(message).find((name) => !MAIL.includes(name));
    if (unknown !== undefined) throw new TypeError(`a mail has no \`${unknown}\`; it has ${MAIL.join(", ")}`);
    return ask({ kind: "mail", block: block()?.block, request: message }, here("mail.send"));
  },
}, "mail");

provide({ mail });
