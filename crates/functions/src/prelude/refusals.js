// The module "backstay" of code that has no exact numbers.

/** Refuses the call: its caller sees the message and the code. */
export class Refused extends Error {
  constructor(message, { code } = {}) {
    if (typeof message !== "string" || message === "") throw new TypeError("Refused takes a message for the caller");
    if (code !== undefined && !/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(code)) {
      throw new TypeError(`the code of a refusal is written like "sold-out", not ${JSON.stringify(code)}`);
    }
    super(message);
    this.name = "Refused";
    this.code = code;
  }
}

/** Why the server refused a request of `db`. */
export class Problem extends Error {
  constructor({ code, message, errors, reason }) {
    super(message);
    this.name = "Problem";
    this.code = code;
    this.errors = errors;
    this.reason = reason;
  }
}
